package bulk

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"marketplace.example/trials/internal/domain/trial"
)

// The columns of a list, in any order; other columns are ignored.
const (
	ColumnID   = "vendor_id"
	ColumnDays = "days"
)

// ReadCSV reads a list of trials. Its header names vendor_id, and may name days
// for a separate number of days for each trial. A *trial.Error names the first wrong
// line; an unknown vendor is not an error here, but an outcome.
func ReadCSV(text string) ([]Listing, error) {
	reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	reader.ReuseRecord = true
	header, err := reader.Read()
	if err != nil {
		return nil, trial.Invalid("csv", "has no readable header")
	}
	columns := make([]string, len(header))
	for i, name := range header {
		columns[i] = strings.ToLower(strings.TrimSpace(name))
	}
	id, days := slices.Index(columns, ColumnID), slices.Index(columns, ColumnDays)
	if id < 0 {
		return nil, trial.Invalid("csv", "has no column %s", ColumnID)
	}
	for _, name := range []string{ColumnID, ColumnDays} {
		if i := slices.Index(columns, name); i >= 0 && slices.Contains(columns[i+1:], name) {
			return nil, trial.Invalid("csv", "has the column %s twice", name)
		}
	}
	var list []Listing
	for {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, trial.Invalid("csv", "line %d: %s", parse.Line, parse.Err)
		}
		if err != nil {
			return nil, trial.Invalid("csv", "cannot be read")
		}
		line, _ := reader.FieldPos(0)
		l := Listing{VendorID: strings.TrimSpace(fields[id])}
		if !trial.ValidVendorID(l.VendorID) {
			return nil, trial.Invalid("csv", "line %d: %s is not 1 to 64 letters, digits, underscores and dashes", line, ColumnID)
		}
		if days >= 0 && strings.TrimSpace(fields[days]) != "" {
			l.Days, err = strconv.Atoi(strings.TrimSpace(fields[days]))
			if err != nil || l.Days < 1 || l.Days > trial.MaxDays {
				return nil, trial.Invalid("csv", "line %d: %s must be 1 to %d", line, ColumnDays, trial.MaxDays)
			}
		}
		if list = append(list, l); len(list) > MaxItems {
			return nil, trial.Invalid("csv", "has more than %d vendors", MaxItems)
		}
	}
}

// CheckList validates a list against its operation.
func (o Operation) CheckList(list []Listing) error {
	for i, l := range list {
		switch {
		case !trial.ValidVendorID(l.VendorID):
			return trial.Invalid("ids."+strconv.Itoa(i), "must be 1 to 64 letters, digits, underscores and dashes")
		case l.Days != 0 && !o.Action.takesDays():
			return trial.Invalid("csv", "has days, which %s does not use", o.Action)
		case l.Days == 0 && o.Days == 0 && o.Action.takesDays():
			return trial.Invalid("days", "is missing")
		}
	}
	return nil
}
