"""What pages of all parts are made with: templates, forms, lists, files that browsers load, and who looks."""
