package ses

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"math"
	"strings"
	texttemplate "text/template"
	"time"

	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/rollout"
)

//go:embed templates
var templateFiles embed.FS

// textWidth is the line length of the text body; a longer word, such as a link, stays whole.
const textWidth = 72

// wrap breaks a paragraph into lines of at most textWidth characters.
func wrap(s string) string { return notice.Wrapped(s, textWidth) }

var (
	noticeText = texttemplate.Must(texttemplate.New("notice.txt").
			Funcs(texttemplate.FuncMap{"wrap": wrap, "upper": strings.ToUpper, "capital": capital}).
			ParseFS(templateFiles, "templates/notice.txt"))
	noticeHTML = htmltemplate.Must(htmltemplate.New("notice.html").
			Funcs(htmltemplate.FuncMap{"keep": keepPercent}).
			ParseFS(templateFiles, "templates/notice.html"))
)

// noticePage is the input of a notice's layouts.
type noticePage struct {
	Subject, Preheader, Heading, Lead string
	// Tone is urgent, good or plain.
	Tone  string
	Label string
	// About is the subject of the notice.
	About    string
	Lines    []noticeLine
	Charts   []noticeChart
	Timeline []noticePhase
	Sections []noticeSection
	// Page is the address of the page on which a person decides; empty for none.
	Page    string
	History *noticeHistory
	At, Why string
}

// noticeLine is a paragraph; its name, such as "What to do next", is emphasized.
type noticeLine struct{ Name, Text string }

// noticeChart is one group of figures.
type noticeChart struct {
	Title, Note string
	Figures     []noticeFigure
}

// noticeFigure is a figure in words, and its bar as the widths of cells.
type noticeFigure struct {
	Name, Value, Limit, Reason string
	Tone, Status               string
	Bar                        []noticeCell
}

// noticeCell is a part of a bar: its width in percent, and what it shows: fill,
// beyond (filled on the bad side of the limit), mark or rest.
type noticeCell struct {
	Part  string
	Width float64
}

// noticeHistory is how the present phase has developed; each field of a row is a tone.
type noticeHistory struct {
	From, To string
	Rows     []noticeHistoryRow
}

type noticeHistoryRow struct {
	Name, Text string
	Fields     []string
}

func newNoticeHistory(h *notice.History) *noticeHistory {
	if h == nil {
		return nil
	}
	page := &noticeHistory{From: formatTime(h.From.Truncate(time.Second)), To: formatTime(h.To.Truncate(time.Second))}
	for _, r := range h.Rows {
		row := noticeHistoryRow{Name: oneLine(r.Name), Text: oneLine(r.Text)}
		for _, v := range r.Verdicts {
			row.Fields = append(row.Fields, tones[v])
		}
		page.Rows = append(page.Rows, row)
	}
	return page
}

type noticePhase struct {
	Name, Percentage, State, When string
	// Full and Rest are the bar's parts, in percent.
	Full, Rest float64
	Tone       string
}

type noticeSection struct {
	Title string
	Items []noticeItem
}

type noticeItem struct{ Label, Text, Tone, Status, Page string }

// RenderNotice renders a notice to stakeholders. It fails on an empty one.
func RenderNotice(m notice.Message) (Rendered, error) {
	if m.Subject == "" || m.Lead == "" {
		return Rendered{}, errors.New("notice: subject and lead are needed")
	}
	p := newNoticePage(m)
	var text, html strings.Builder
	if err := noticeText.Execute(&text, p); err != nil {
		return Rendered{}, fmt.Errorf("rendering the text of a notice: %w", err)
	}
	if err := noticeHTML.Execute(&html, p); err != nil {
		return Rendered{}, fmt.Errorf("rendering the HTML of a notice: %w", err)
	}
	return Rendered{Subject: p.Subject, Text: text.String(), HTML: html.String()}, nil
}

func newNoticePage(m notice.Message) noticePage {
	p := noticePage{
		Subject: oneLine(m.Subject), Preheader: shorten(oneLine(m.Lead), maxPreheader), Lead: oneLine(m.Lead),
		Heading: heading(m.Subject), Label: noticeLabels[m.Kind], About: "rollout of trial automation", Tone: "plain",
		At: m.At.UTC().Format("2 January 2006 15:04:05 UTC"), Why: m.Kind.Why(), Page: oneLine(m.Page), History: newNoticeHistory(m.History),
	}
	if m.Kind == notice.NoticeAlert || m.Kind == notice.NoticeAlertOver {
		p.About = "trial automation" // there are alerts without a rollout too
	}
	switch m.Kind {
	case notice.NoticeCritical, notice.NoticeAlert:
		p.Tone = "urgent"
	case notice.NoticeFinal, notice.NoticeReport, notice.NoticeAlertOver:
		p.Tone = "good"
	case notice.NoticeAnnouncement, notice.NoticePhase, notice.NoticeDaily,
		notice.NoticeDailyReport, notice.NoticeWeeklyReport, notice.NoticeMonthlyReport:
	}
	for _, line := range m.Lines {
		p.Lines = append(p.Lines, newNoticeLine(m.Kind, oneLine(line)))
	}
	p.Charts = charts(m)
	for _, e := range m.Timeline {
		p.Timeline = append(p.Timeline, newNoticePhase(e))
	}
	for _, s := range m.Sections {
		section := noticeSection{Title: oneLine(s.Title)}
		for _, i := range s.Items {
			item := noticeItem{Label: oneLine(i.Label), Text: oneLine(i.Text), Page: oneLine(i.Page)}
			if i.Verdict != "" {
				item.Tone, item.Status = tones[i.Verdict], criterionStatuses[i.Verdict]
			}
			section.Items = append(section.Items, item)
		}
		p.Sections = append(p.Sections, section)
	}
	return p
}

const maxPreheader = 160

var noticeLabels = map[notice.Kind]string{
	notice.NoticeAnnouncement: "Announcement", notice.NoticePhase: "Phase", notice.NoticeDaily: "Daily update",
	notice.NoticeCritical: "Critical", notice.NoticeFinal: "Final report", notice.NoticeReport: "Report",
	notice.NoticeDailyReport: "Daily report", notice.NoticeWeeklyReport: "Weekly report", notice.NoticeMonthlyReport: "Monthly report",
	notice.NoticeAlert: "Alert", notice.NoticeAlertOver: "Alert is over",
}

// heading is the subject without the prefix that other e-mails do not have.
func heading(subject string) string {
	return capital(strings.TrimPrefix(oneLine(subject), "Trial rollout: "))
}

func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// keepPercent keeps a number and its percent sign on one line.
func keepPercent(s string) string { return strings.ReplaceAll(s, " %", "\u00a0%") }

// newNoticeLine splits off the name of a line of critical notices and alerts.
func newNoticeLine(kind notice.Kind, line string) noticeLine {
	names := kind == notice.NoticeCritical || kind == notice.NoticeAlert || kind == notice.NoticeAlertOver
	if name, text, named := strings.Cut(line, ": "); named && names {
		return noticeLine{Name: name, Text: text}
	}
	return noticeLine{Text: line}
}

// The colors of verdicts, and their names.
var (
	tones = map[rollout.Verdict]string{rollout.Pass: "good", rollout.Fail: "bad", rollout.Insufficient: "open"}

	figureStatuses    = map[rollout.Verdict]string{rollout.Pass: "within", rollout.Fail: "beyond", rollout.Insufficient: "open"}
	criterionStatuses = map[rollout.Verdict]string{rollout.Pass: "met", rollout.Fail: "not met", rollout.Insufficient: "open"}
)

// charts group the figures by their use.
func charts(m notice.Message) []noticeChart {
	type group struct {
		use        notice.FigureUse
		name, note string
	}
	groups := []group{
		{notice.ToGoOn, "Figures of this phase", "What the next step needs. The mark is the limit; each bar has its own scale."},
		{notice.ToGoBack, "Figures of the whole rollout", "What rolls back the rollout. The mark is the limit; each bar has its own scale."},
		{notice.ToReview, "Figures of this period", "Compared with what the rollout needed to advance. The mark is the limit; each bar has its own scale."},
	}
	if m.Kind == notice.NoticeFinal || m.Kind == notice.NoticeReport { // no gate is left
		groups[0].name = "Figures since the last phase"
		groups[0].note = "Compared with what each phase needed. The mark is the limit; each bar has its own scale."
	}
	var all []noticeChart
	for _, g := range groups {
		chart := noticeChart{Title: g.name, Note: g.note}
		for _, f := range m.Figures {
			if f.Use == g.use {
				chart.Figures = append(chart.Figures, newNoticeFigure(f))
			}
		}
		if len(chart.Figures) > 0 {
			all = append(all, chart)
		}
	}
	return all
}

func newNoticeFigure(f notice.Figure) noticeFigure {
	bound := "at least "
	if f.HighIsBad {
		bound = "at most "
	}
	n := noticeFigure{
		Name: f.Name, Value: share(f.Estimate), Limit: bound + share(f.Limit), Reason: oneLine(f.Reason),
		Tone: tones[f.Verdict], Status: figureStatuses[f.Verdict],
	}
	if !f.Telling() {
		n.Value = "–"
	}
	if f.Verdict == rollout.Pass && !f.Within() { // a small sample may be off by chance
		n.Tone, n.Status = tones[rollout.Insufficient], "enough to advance"
	}
	n.Bar = bar(f)
	return n
}

// bar cuts a figure's bar into cells: up to twice the limit, or slightly beyond
// the figure if that is more, and never beyond 100 %.
func bar(f notice.Figure) []noticeCell {
	scale := min(1, max(2*f.Limit, 1.15*f.Estimate))
	if !(scale > 0) { // NaN too
		scale = 1
	}
	estimate, limit := min(max(f.Estimate, 0), scale)/scale*100, min(max(f.Limit, 0), scale)/scale*100
	if !f.Telling() {
		estimate = 0
	}
	const mark = 1.0
	before := max(limit-mark/2, 0)
	after := min(limit+mark/2, 100)
	var cells []noticeCell
	add := func(part string, width float64) {
		if width = math.Round(width*10) / 10; width > 0 {
			cells = append(cells, noticeCell{part, width})
		}
	}
	add("fill", min(estimate, before))
	add("rest", before-min(estimate, before))
	add("mark", after-before)
	add("fill", max(estimate, after)-after)
	add("rest", 100-max(estimate, after))
	return cells
}

// share formats a rate with as many digits as are meaningful.
func share(x float64) string {
	percent := 100 * x
	if percent > 0 && percent < 9.95 {
		return fmt.Sprintf("%.1f %%", percent)
	}
	return fmt.Sprintf("%.0f %%", percent)
}

func newNoticePhase(e rollout.TimelineEntry) noticePhase {
	full := min(max(e.Percentage, 0), 100)
	p := noticePhase{
		Name: oneLine(e.Name), Percentage: fmt.Sprintf("%v %%", e.Percentage), Full: full, Rest: 100 - full,
		State: phaseStates[e.State], Tone: phaseTones[e.State],
	}
	if e.From != nil {
		p.When = formatTime(*e.From)
	}
	return p
}

func formatTime(t time.Time) string {
	if t.Second() != 0 || t.Nanosecond() != 0 {
		return t.UTC().Format("2 January 15:04:05 UTC")
	}
	return t.UTC().Format("2 January 15:04 UTC")
}

var (
	phaseStates = map[string]string{
		rollout.TimePast: "done", rollout.TimePresent: "now", rollout.TimeToCome: "to come",
		rollout.TimeStopped: "stopped", rollout.TimeNotReached: "not reached",
	}
	phaseTones = map[string]string{
		rollout.TimePast: "good", rollout.TimePresent: "now", rollout.TimeToCome: "later",
		rollout.TimeStopped: "bad", rollout.TimeNotReached: "later",
	}
)
