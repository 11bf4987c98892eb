package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

const clock = "2006-01-02 15:04:05 UTC"

// formatTime is a moment in UTC, and its distance from now.
func formatTime(t, now time.Time) string {
	return t.UTC().Format(clock) + ", " + relative(t, now)
}

// optionalTime is formatTime, or a dash for nil.
func optionalTime(t *time.Time, now time.Time) string {
	if t == nil {
		return "-"
	}
	return formatTime(*t, now)
}

// relative is a moment's distance from now, such as "in 3d 4h" or "5m 10s ago".
func relative(t, now time.Time) string {
	switch distance := t.Sub(now); {
	case distance >= time.Second:
		return "in " + span(distance)
	case distance <= -time.Second:
		return span(-distance) + " ago"
	}
	return "now"
}

// span is a duration in its two greatest units, rounded down.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	units := []struct {
		name string
		size time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
	for i, unit := range units {
		if d < unit.size {
			continue
		}
		text := fmt.Sprintf("%d%s", d/unit.size, unit.name)
		if i+1 < len(units) {
			if rest := d % unit.size / units[i+1].size; rest > 0 {
				text += fmt.Sprintf(" %d%s", rest, units[i+1].name)
			}
		}
		return text
	}
	return "0s"
}

// table collects rows, and writes them in aligned columns.
type table struct {
	header []string
	rows   [][]string
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// write writes the header, unless it is empty, and the rows.
func (t *table) write(w io.Writer) error {
	aligned := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	if len(t.header) > 0 {
		fmt.Fprintln(aligned, strings.Join(t.header, "\t"))
	}
	for _, cells := range t.rows {
		for i, cell := range cells {
			cells[i] = printable(cell)
		}
		fmt.Fprintln(aligned, strings.Join(cells, "\t"))
	}
	return aligned.Flush()
}

// printable replaces the characters that could control the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func formatBool(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
