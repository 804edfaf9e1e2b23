"""Our own pages. A view is glue: fetch or 404, form, one call, redirect or render."""
