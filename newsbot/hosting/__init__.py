"""The parts that run inside Scrapyd: schedule, queue, jobs, web service; through its plug points, without a fork."""
