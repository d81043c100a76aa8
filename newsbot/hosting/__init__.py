"""What runs inside Scrapyd: schedule, queue, jobs, web service; through its own plug points, without a fork."""
