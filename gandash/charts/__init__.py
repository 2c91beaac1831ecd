"""Pictures of runs: Plotly figures, and the chart that shows them live."""
