"""The page at `/` and the view of each job's log: plain HTML, with a little JavaScript for those who have it."""
