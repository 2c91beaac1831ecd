"""What the browser shows: one script a page, and the parts that they are put together from."""
