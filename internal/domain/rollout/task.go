package rollout

import (
	"slices"
	"time"
)

// Task is one of the deployment strategy's post-deployment tasks: a person does
// it, and ticks it off like a criterion.
type Task struct {
	ID   string `json:"id"`
	Span Span   `json:"span"`
	Text string `json:"text"`
	// Report is the kind of report made for it; empty if figures do not help.
	Report ReportKind `json:"report"`
}

// Span names when a task is to be done, counted from when the rollout's last
// percentage was reached.
type Span string

// The spans.
const (
	Week1      Span = "week-1"
	Weeks2To4  Span = "weeks-2-to-4"
	FromMonth1 Span = "from-month-1"
)

// begins is the span's first day, from 0.
func (s Span) begins() float64 {
	switch s {
	case Weeks2To4:
		return reportWeek
	case FromMonth1:
		return reportMonth
	case Week1:
	}
	return 0
}

// Tasks are the deployment strategy's post-deployment tasks.
func Tasks() []Task {
	return []Task{
		{"daily-monitoring-review", Week1, "Daily monitoring review", ReportDaily},
		{"performance-optimization", Week1, "Performance optimization", ReportDaily},
		{"user-feedback-analysis", Week1, "User feedback analysis", ""},
		{"feature-usage-analysis", Weeks2To4, "Feature usage analysis", ReportWeekly},
		{"conversion-rate-optimization", Weeks2To4, "Conversion rate optimization", ReportWeekly},
		{"documentation-updates", Weeks2To4, "Documentation updates", ""},
		{"long-term-trend-analysis", FromMonth1, "Long-term trend analysis", ReportMonthly},
		{"system-optimizations", FromMonth1, "System optimizations", ReportMonthly},
		{"next-feature-planning", FromMonth1, "Next feature planning", ReportMonthly},
	}
}

// IsTask reports whether an id is that of a task.
func IsTask(id string) bool {
	return slices.ContainsFunc(Tasks(), func(t Task) bool { return t.ID == id })
}

// Page is the address of the dashboard's page on which a person ticks it.
func (t Task) Page() string { return tickPage + t.ID }

// TasksFor are the ids of the tasks that a kind of report is made for.
func TasksFor(kind ReportKind) []string {
	var ids []string
	for _, t := range Tasks() {
		if t.Report == kind {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// TaskStatus is a task's status.
type TaskStatus string

// The statuses. A task that a person reported as not done stays open.
const (
	TaskToCome TaskStatus = "to-come"
	TaskOpen   TaskStatus = "open"
	TaskDone   TaskStatus = "done"
)

// TaskView is a task and its status.
type TaskView struct {
	Task
	Status TaskStatus `json:"standing"`
	// From is when to begin it; nil before the last percentage was reached.
	From *time.Time `json:"from"`
	// Reports are the ids of its reports that are due by now.
	Reports []string `json:"reports"`
	// Reason is the reason given when it was ticked; empty before.
	Reason string `json:"reason"`
}

// TasksOf lists the post-deployment tasks of a rollout with their status now.
func TasksOf(s State, now time.Time) []TaskView {
	due := s.ReportsDue(now)
	views := make([]TaskView, 0, len(Tasks()))
	for _, t := range Tasks() {
		v := TaskView{Task: t, Status: TaskToCome, Reports: []string{}}
		if s.DeployedAt != nil {
			v.From = new(s.DeployedAt.Add(Days(t.Span.begins(), s.Times.Day)))
			if !v.From.After(now) {
				v.Status = TaskOpen
			}
		}
		for _, p := range due {
			if p.Kind == t.Report {
				v.Reports = append(v.Reports, p.ID())
			}
		}
		if tick, ticked := s.Criteria[t.ID]; ticked {
			v.Reason = tick.Reason
			if tick.Met {
				v.Status = TaskDone
			}
		}
		views = append(views, v)
	}
	return views
}
