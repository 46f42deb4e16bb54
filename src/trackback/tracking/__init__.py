"""What a training program calls: runs that are logged to without waiting, and MLflow's fluent functions over them."""
