package bulk

import (
	"encoding/csv"
	"errors"
	"fmt"
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

// mostWrongLines bounds how many wrong lines of a list are named.
const mostWrongLines = 20

// ReadCSV reads a list of trials. Its header names vendor_id, and may name days
// for a separate number of days for each trial. A *trial.Error names the wrong
// lines, up to mostWrongLines of them; an unknown vendor is not an error here, but an outcome.
func ReadCSV(text string) ([]Listing, error) {
	reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	reader.ReuseRecord = true
	id, days, err := readHeader(reader)
	if err != nil {
		return nil, err
	}
	var list []Listing
	var wrong []string
	for {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		l, problem := readLine(reader, fields, id, days, err)
		if problem != "" {
			wrong = append(wrong, problem)
		}
		if len(wrong) > mostWrongLines {
			wrong[mostWrongLines] = "and perhaps more"
			break
		}
		if list = append(list, l); len(list) > MaxItems {
			return nil, trial.Invalid("csv", "has more than %d vendors", MaxItems)
		}
	}
	if len(wrong) > 0 {
		return nil, trial.Invalid("csv", "%s", strings.Join(wrong, "; "))
	}
	return list, nil
}

// readHeader finds the columns; days is -1 where there is none.
func readHeader(reader *csv.Reader) (id, days int, err error) {
	header, err := reader.Read()
	if err != nil {
		return 0, 0, trial.Invalid("csv", "has no readable header")
	}
	columns := make([]string, len(header))
	for i, name := range header {
		columns[i] = strings.ToLower(strings.TrimSpace(name))
	}
	id, days = slices.Index(columns, ColumnID), slices.Index(columns, ColumnDays)
	if id < 0 {
		return 0, 0, trial.Invalid("csv", "has no column %s", ColumnID)
	}
	for _, name := range []string{ColumnID, ColumnDays} {
		if i := slices.Index(columns, name); i >= 0 && slices.Contains(columns[i+1:], name) {
			return 0, 0, trial.Invalid("csv", "has the column %s twice", name)
		}
	}
	return id, days, nil
}

// readLine reads a line that came with an error, nil for none; problem names the line and what is wrong with it. What
// stands there may be an address, and is not repeated.
func readLine(reader *csv.Reader, fields []string, id, days int, err error) (l Listing, problem string) {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return l, fmt.Sprintf("line %d: %s", parse.Line, parse.Err)
	}
	if err != nil {
		return l, "cannot be read"
	}
	line, _ := reader.FieldPos(0)
	l = Listing{VendorID: strings.TrimSpace(fields[id])}
	if !trial.ValidVendorID(l.VendorID) {
		return l, fmt.Sprintf("line %d: %s is not 1 to 64 letters, digits, underscores and dashes", line, ColumnID)
	}
	if days < 0 || strings.TrimSpace(fields[days]) == "" {
		return l, ""
	}
	l.Days, err = strconv.Atoi(strings.TrimSpace(fields[days]))
	if err != nil || l.Days < 1 || l.Days > trial.MaxDays {
		return l, fmt.Sprintf("line %d: %s must be 1 to %d", line, ColumnDays, trial.MaxDays)
	}
	return l, ""
}

// CheckList validates a list against its operation.
func (o Operation) CheckList(list []Listing) error {
	for i, l := range list {
		switch {
		case !trial.ValidVendorID(l.VendorID):
			return trial.Invalid("ids."+strconv.Itoa(i), "must be 1 to 64 letters, digits, underscores and dashes")
		case o.Action.Resends() && trial.IsCanary(l.VendorID):
			return trial.Invalid("ids."+strconv.Itoa(i), "is a canary's: nothing is sent to it again")
		case l.Days != 0 && !o.Action.takesDays():
			return trial.Invalid("csv", "has days, which %s does not use", o.Action)
		case l.Days == 0 && o.Days == 0 && o.Action.takesDays():
			return trial.Invalid("days", "is missing")
		}
	}
	return nil
}
