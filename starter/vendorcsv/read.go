// Package vendorcsv reads a file of vendors: who registered on which date, and who converted when.
//
// It reports an unusable row with its line and leaves it out. A row may take several lines, where a quoted field does. Only
// an unreadable file, or a header without the needed columns, is an error.
package vendorcsv

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"marketplace.example/trials/internal/domain/migration"
	"marketplace.example/trials/internal/domain/trial"
)

// The columns that Read uses. They may come in any order, among others.
const (
	ColumnID           = "vendor_id"
	ColumnRegisteredAt = "registered_at"
	ColumnConvertedAt  = "converted_at"
)

// maxLine bounds a row in bytes.
const maxLine = 64 << 10

// Moments before or after these years count as mistakes.
const (
	firstYear = 2000
	lastYear  = 2099
)

// Row is one vendor.
type Row struct {
	// Line is the row's first line. The header is line 1.
	Line int
	ID   string
	// RegisteredAt is the date of registration, at midnight UTC.
	RegisteredAt time.Time
	// ConvertedAt is the moment of conversion in UTC, zero for none. It may precede the registration.
	ConvertedAt time.Time
}

// Problem says why a line was left out.
type Problem struct {
	Line int `json:"line"`
	// Field is the wrong column, empty where the whole line is wrong.
	Field   string `json:"field"`
	Message string `json:"message"`
}

func (p Problem) String() string {
	if p.Field == "" {
		return fmt.Sprintf("line %d: %s", p.Line, p.Message)
	}
	return fmt.Sprintf("line %d: %s: %s", p.Line, p.Field, p.Message)
}

// Read returns the rows in the order of the file, and a problem for each row that it leaves out. It ignores empty lines.
func Read(r io.Reader) ([]Row, []Problem, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the file: %w", err)
	}
	lines := bytes.Split(bytes.TrimPrefix(content, []byte("\ufeff")), []byte("\n"))
	for i := range lines {
		lines[i] = bytes.TrimSuffix(lines[i], []byte("\r"))
	}
	reader := reader{seen: make(map[string]int)}
	for i := 0; i < len(lines); {
		n := rowLength(lines[i:])
		if err := reader.take(i+1, bytes.Join(lines[i:i+n], []byte("\n"))); err != nil {
			return nil, nil, err
		}
		i += n
	}
	if reader.columns == nil {
		return nil, nil, errors.New("the file is empty: it has no header")
	}
	return reader.rows, reader.problems, nil
}

// rowLength is the number of lines of the first row. A quote that nothing closes within the bounds of a row spoils only its
// own line, not the rest of the file.
func rowLength(lines [][]byte) int {
	size, quoted := 0, false
	for n, line := range lines {
		if size > maxLine || len(line) >= maxLine {
			break
		}
		size += len(line) + 1
		if quoted = open(line, quoted); !quoted {
			return n + 1
		}
	}
	return 1
}

// open tells whether a quoted field continues on the next line. quoted says that one has come from the line before.
func open(text []byte, quoted bool) bool {
	begins := !quoted
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '"' && i+1 < len(text) && text[i+1] == '"':
			i++ // a quote in the field
		case quoted && c == '"':
			quoted = false
		case quoted:
		case begins && c == '"':
			quoted = true
		}
		begins = !quoted && text[i] == ','
	}
	return quoted
}

// reader collects rows and problems.
type reader struct {
	columns  *columns
	rows     []Row
	problems []Problem
	seen     map[string]int // the line of each id
}

// columns are the positions of the needed values in a row.
type columns struct {
	count, id, registeredAt, convertedAt int
}

func (r *reader) take(number int, text []byte) error {
	if len(text) < maxLine && len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	fields, err := split(text)
	if r.columns == nil {
		if err != nil {
			return fmt.Errorf("line %d, the header: %w", number, err)
		}
		r.columns, err = header(number, fields)
		return err
	}
	row := Row{Line: number}
	if problem := r.parse(&row, fields, err); problem != nil {
		problem.Line = number
		r.problems = append(r.problems, *problem)
		return nil
	}
	r.seen[row.ID] = number
	r.rows = append(r.rows, row)
	return nil
}

// split cuts a row into its fields.
func split(text []byte) ([]string, error) {
	switch {
	case len(text) >= maxLine:
		return nil, fmt.Errorf("is longer than %d bytes", maxLine)
	case !utf8.Valid(text):
		return nil, errors.New("is not UTF-8")
	case bytes.ContainsFunc(text, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }):
		return nil, errors.New("holds a control character")
	}
	line := csv.NewReader(bytes.NewReader(text))
	line.FieldsPerRecord = -1
	fields, err := line.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, fmt.Errorf("is not CSV: %w at character %d", parse.Err, parse.Column)
	}
	if err != nil {
		return nil, fmt.Errorf("is not CSV: %w", err)
	}
	return fields, nil
}

func header(number int, names []string) (*columns, error) {
	for i, name := range names {
		names[i] = strings.ToLower(strings.TrimSpace(name))
	}
	at := make(map[string]int)
	for _, needed := range []string{ColumnID, ColumnRegisteredAt, ColumnConvertedAt} {
		i := slices.Index(names, needed)
		if i < 0 {
			return nil, fmt.Errorf("line %d, the header: there is no column %s among %q", number, needed, names)
		}
		if slices.Contains(names[i+1:], needed) {
			return nil, fmt.Errorf("line %d, the header: the column %s occurs twice", number, needed)
		}
		at[needed] = i
	}
	return &columns{count: len(names), id: at[ColumnID], registeredAt: at[ColumnRegisteredAt], convertedAt: at[ColumnConvertedAt]}, nil
}

// parse fills the row from its fields, or says what is wrong with them. notCSV is why the row could not be split.
func (r *reader) parse(row *Row, fields []string, notCSV error) *Problem {
	if notCSV != nil {
		return &Problem{Message: notCSV.Error()}
	}
	if len(fields) != r.columns.count {
		return &Problem{Message: fmt.Sprintf("has %d columns, the header has %d", len(fields), r.columns.count)}
	}
	var err error
	row.ID = strings.TrimSpace(fields[r.columns.id])
	if err = r.checkID(row.ID); err != nil {
		return &Problem{Field: ColumnID, Message: err.Error()}
	}
	if row.RegisteredAt, err = date(fields[r.columns.registeredAt]); err != nil {
		return &Problem{Field: ColumnRegisteredAt, Message: err.Error()}
	}
	if row.ConvertedAt, err = optionalTime(fields[r.columns.convertedAt]); err != nil {
		return &Problem{Field: ColumnConvertedAt, Message: err.Error()}
	}
	return nil
}

func (r *reader) checkID(id string) error {
	if id == "" {
		return errors.New("is missing")
	}
	if !trial.ValidVendorID(id) {
		return fmt.Errorf("%.80q is not 1 to 64 letters, digits, underscores and dashes", id)
	}
	if line, known := r.seen[id]; known {
		return fmt.Errorf("%s is on line %d already", id, line)
	}
	return nil
}

func date(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, errors.New("is missing")
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.80q is not a date like 2018-01-31", text)
	}
	return day, plausible(day)
}

func optionalTime(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	at, ok := migration.ParseTimeText(text)
	if !ok || len(text) <= len(time.DateOnly) { // a day alone is no moment, nor is a bare number of a few digits
		return time.Time{}, fmt.Errorf("%.80q is not a moment like 2018-01-31T09:30:00Z", text)
	}
	return at, nil
}

func plausible(t time.Time) error {
	if year := t.Year(); year < firstYear || year > lastYear {
		return fmt.Errorf("%s is not in the years %d to %d", t.Format(time.DateOnly), firstYear, lastYear)
	}
	return nil
}
