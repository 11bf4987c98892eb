package dashboard

// NewTimeline is a trial over time.
var NewTimeline = newTimeline
