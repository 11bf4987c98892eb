// Package vendorcsv reads a file of vendors: who registered on which date, and who converted when.
//
// A row that cannot be used is reported with its line and left out; the others stand. A row may go over several lines,
// where a quoted field does. Only a header without the needed columns, or a file that cannot be read, is an error.
package vendorcsv

import (
	"bufio"
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

// The columns that are read. They may stand in any order, beside others that are passed over.
const (
	ColumnID           = "vendor_id"
	ColumnRegisteredAt = "registered_at"
	ColumnConvertedAt  = "converted_at"
)

// maxLine bounds one line, and one row of several, in bytes: what is longer is no row of vendors.
const maxLine = 64 << 10

// Moments before or after these years are taken for mistakes.
const (
	firstYear = 2000
	lastYear  = 2099
)

// Row is one vendor.
type Row struct {
	// Line is where the row begins. It counts from 1, the header included.
	Line int
	ID   string
	// RegisteredAt is the date of registration, at midnight UTC.
	RegisteredAt time.Time
	// ConvertedAt is the moment of conversion in UTC, zero where there was none. It may lie before
	// the registration.
	ConvertedAt time.Time
}

// Problem says why a line was left out.
type Problem struct {
	Line int `json:"line"`
	// Field is the column at fault, empty where it is the line as a whole.
	Field   string `json:"field"`
	Message string `json:"message"`
}

func (p Problem) String() string {
	if p.Field == "" {
		return fmt.Sprintf("line %d: %s", p.Line, p.Message)
	}
	return fmt.Sprintf("line %d: %s: %s", p.Line, p.Field, p.Message)
}

// Read returns the rows in the order of the file, and a problem for each line that is left out.
// Empty lines are passed over.
func Read(r io.Reader) ([]Row, []Problem, error) {
	lines := &lineReader{from: bufio.NewReaderSize(r, maxLine)}
	reader := reader{seen: make(map[string]int)}
	for {
		number, text, tooLong, err := lines.record()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf("reading line %d: %w", number, err)
		}
		if err := reader.take(number, text, tooLong); err != nil {
			return nil, nil, err
		}
	}
	if reader.columns == nil {
		return nil, nil, errors.New("the file is empty: it has no header")
	}
	return reader.rows, reader.problems, nil
}

// lineReader reads records, each of one line or of several.
type lineReader struct {
	from *bufio.Reader
	// number is that of the last line read.
	number int
	// lookahead are lines that were read and turned out to be no part of a record.
	lookahead []physicalLine
	// ended says that nothing is left to read behind them.
	ended bool
}

// physicalLine is a line, without its end, that may be too long.
type physicalLine struct {
	text    []byte
	tooLong bool
}

func (l *lineReader) next() (physicalLine, error) {
	if len(l.lookahead) > 0 {
		line := l.lookahead[0]
		l.lookahead = l.lookahead[1:]
		l.number++
		return line, nil
	}
	if l.ended {
		return physicalLine{}, io.EOF
	}
	text, tooLong, err := nextLine(l.from)
	if err != nil {
		l.ended = errors.Is(err, io.EOF)
		return physicalLine{}, err
	}
	l.number++
	if l.number == 1 {
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
	}
	return physicalLine{bytes.Clone(text), tooLong}, nil
}

// record is the next record, and the line that it begins on. A quote that nothing closes within the bounds of a record spoils its
// own line, and not the rest of the file.
func (l *lineReader) record() (number int, text []byte, tooLong bool, err error) {
	first, err := l.next()
	number = l.number
	if err != nil {
		return number + 1, nil, false, err
	}
	quoted := open(first.text, false)
	if first.tooLong || !quoted {
		return number, first.text, first.tooLong, nil
	}
	text = bytes.Clone(first.text)
	var more []physicalLine
	for len(text) <= maxLine {
		line, err := l.next()
		if errors.Is(err, io.EOF) || err == nil && line.tooLong {
			if err == nil {
				more = append(more, line)
			}
			break
		}
		if err != nil {
			return l.number + 1, nil, false, err
		}
		more = append(more, line)
		text = append(append(text, '\n'), line.text...)
		if quoted = open(line.text, quoted); !quoted {
			return number, text, len(text) > maxLine, nil
		}
	}
	l.lookahead, l.number = append(more, l.lookahead...), number
	return number, first.text, false, nil
}

// open tells whether a quoted field continues on the next line; quoted says that one has come from the line before.
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

// nextLine is the next line without its end. A line that is too long is read past, and comes back
// cut.
func nextLine(lines *bufio.Reader) (text []byte, tooLong bool, err error) {
	text, err = lines.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		text, tooLong = bytes.Clone(text[:80]), true
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
	}
	if errors.Is(err, io.EOF) && len(text) > 0 {
		err = nil // the last line need not end
	}
	text = bytes.TrimSuffix(text, []byte("\n"))
	return bytes.TrimSuffix(text, []byte("\r")), tooLong, err
}

// reader gathers rows and problems, line by line.
type reader struct {
	columns  *columns
	rows     []Row
	problems []Problem
	seen     map[string]int // the line of each id
}

// columns is where in a line the needed values stand.
type columns struct {
	count, id, registeredAt, convertedAt int
}

func (r *reader) take(number int, text []byte, tooLong bool) error {
	if len(bytes.TrimSpace(text)) == 0 && !tooLong {
		return nil
	}
	fields, err := split(text, tooLong)
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

// split cuts one line into its fields. Each line stands by itself: a quote that is not closed spoils
// its own line and not the rest of the file.
func split(text []byte, tooLong bool) ([]string, error) {
	switch {
	case tooLong:
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

// parse fills the row from the fields of its line, or says what is wrong with them; notCSV is why
// the line could not be split.
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
	at, ok := migration.MomentOf(text)
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
