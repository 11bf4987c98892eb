package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"marketplace.example/trials/starter/importer"
)

const (
	// barWidth is the width of a bar in characters.
	barWidth = 24
	// lineEvery is the interval between lines where there is no terminal.
	lineEvery = 5 * time.Second
	// behindDays is the lag, in days of the trial, from which the system falls behind.
	behindDays = 0.5
)

// progress shows the progress of an import or a bulk operation: a bar at a terminal, otherwise a line every few seconds.
type progress struct {
	out      io.Writer
	terminal bool
	now      func() time.Time
	// begins and length are the beginning and the recorded time of the whole plan.
	begins time.Time
	length time.Duration

	drawn   bool
	written time.Time
}

// show shows the progress of an import.
func (p *progress) show(now importer.Progress) {
	total := now.Vendors + now.Conversions
	p.draw(bar(min(total, now.Registered+now.Converted+len(now.Refused)), total), p.describe(now))
}

// draw shows a bar and the text beside it.
func (p *progress) draw(bar, text string) {
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s %s", bar, text)
		p.drawn = true
		return
	}
	if at := p.now(); at.Sub(p.written) >= lineEvery {
		p.written = at
		fmt.Fprintln(p.out, text)
	}
}

// report writes a line above the bar.
func (p *progress) report(line string) {
	p.clear()
	fmt.Fprintln(p.out, printable(line))
}

// end leaves the bar in its last state.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprintln(p.out)
		p.drawn = false
	}
}

func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.drawn = false
	}
}

func bar(done, total int) string {
	filled := barWidth * done / max(1, total)
	return "[" + strings.Repeat("#", filled) + strings.Repeat(" ", barWidth-filled) + "]"
}

// describe says how far the import is, and whether the system keeps up.
func (p *progress) describe(now importer.Progress) string {
	text := fmt.Sprintf("%s  registered %d/%d  converted %d/%d",
		now.Recorded.Format(time.DateOnly), now.Registered, now.Vendors, now.Converted, now.Conversions)
	if refused := len(now.Refused); refused > 0 {
		text += fmt.Sprintf("  refused %d", refused)
	}
	switch {
	case now.Retrying:
		text += fmt.Sprintf("  the system does not answer (%.1f days behind)", now.LagDays())
	case now.LagDays() >= behindDays:
		text += fmt.Sprintf("  falls behind: %.1f days", now.LagDays())
	case now.InDays(now.StepLag) >= behindDays:
		text += fmt.Sprintf("  falls behind: steps are %.1f days late", now.InDays(now.StepLag))
	default:
		text += "  keeps up"
	}
	if left := p.left(now); left >= time.Second {
		text += ", " + span(left) + " left"
	}
	return text
}

// left is the remaining time, if the system keeps up.
func (p *progress) left(now importer.Progress) time.Duration {
	return importer.Compress(max(0, p.begins.Add(p.length).Sub(now.Recorded)), now.Day)
}
