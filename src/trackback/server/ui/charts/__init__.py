"""Curves of metrics, of one run or several."""

from trackback.server.ui.charts import series_data

ROUTES = series_data.ROUTES
