package dashboard

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/trial"
)

const (
	// mostRows bounds an export: a hundred reads of rowsPerRead, which a database with indexes answers well within requestTimeout, and less
	// than what spreadsheets open. The reads hold one part of the list in memory at a time.
	mostRows    = 50_000
	rowsPerRead = 500
)

var csvHeader = []string{
	"vendor", "status", "cohort", "automated", "policy", "revision", "started", "ends", "graceEnds", "next", "nextAt", "heldBy", "converted", "experiment", "arm",
}

// trialsCSV is a list of trials as a file, read and written part by part. Where it is cut off, its last line says so and how to go
// on: a file that ends too early must not pass for whole.
func (d *dashboard) trialsCSV(w http.ResponseWriter, r *http.Request) {
	filter, after, problem := filterOf(r.URL.Query())
	if problem != "" {
		d.show(w, r, http.StatusBadRequest, "message", message{d.frame(r.Context(), "Not right", "trials"), trouble{Title: "This address is not right", Text: problem}})
		return
	}
	states, next, err := d.Store.Trials(r.Context(), filter, after, rowsPerRead)
	if err != nil {
		d.fail(w, r, "trials", err)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="trials-%s.csv"`, d.Now().UTC().Format("20060102-1504")))
	file := csv.NewWriter(w)
	_ = file.Write(csvHeader) // an error stays until Error
	for rows := 0; ; {
		for _, s := range states {
			_ = file.Write(csvRow(s))
		}
		file.Flush()
		if file.Error() != nil {
			return // the browser has gone
		}
		if rows += len(states); next == "" {
			return
		}
		if rows >= mostRows {
			_ = file.Write([]string{fmt.Sprintf("cut off after %d trials; the rest begins after %s (add after=%s to the address), or narrow the list", rows, next, next)})
			break
		}
		if states, next, err = d.Store.Trials(r.Context(), filter, next, rowsPerRead); err != nil {
			d.Log.Error("export broken off", zap.Int("rows", rows), zap.Error(err))
			_ = file.Write([]string{fmt.Sprintf("broken off after %d trials: the database does not answer in time; there are more", rows)})
			break
		}
	}
	file.Flush()
}

func csvRow(s trial.State) []string {
	o := s.Overview()
	row := []string{
		o.VendorID, string(o.Status), string(o.Cohort), fmt.Sprint(o.Automated), o.Policy, fmt.Sprint(o.Revision), iso(o.StartedAt), iso(o.EndsAt), iso(o.GraceEndsAt),
	}
	next, nextAt, heldBy, converted, dealt := "", "", "", "", trial.Assignment{}
	if o.Next != nil {
		next, nextAt = string(o.Next.Kind), iso(o.Next.At)
	}
	if o.Held != nil {
		heldBy = string(o.Held.Reason)
	}
	if o.ConvertedAt != nil {
		converted = o.ConvertedAt.UTC().Format(time.RFC3339)
	}
	if o.Experiment != nil {
		dealt = *o.Experiment
	}
	row = append(row, next, nextAt, heldBy, converted, dealt.Experiment, dealt.Arm)
	for i := range row {
		row[i] = harmless(row[i])
	}
	return row
}

// harmless is a cell that no spreadsheet takes for a formula: ids may begin with a dash.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
