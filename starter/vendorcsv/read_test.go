package vendorcsv_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/starter/vendorcsv"
)

const header = "vendor_id,registered_at,origin,segment,converted_at\n"

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func TestReadTakesRowsAsTheyStand(t *testing.T) {
	t.Parallel()
	rows, problems, err := vendorcsv.Read(strings.NewReader(header +
		"b,2018-01-02,NaN,,\n" +
		"a,2018-01-01,\"display, paid\",pet,2018-01-15T22:30:00-03:00\n"))
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Equal(t, []vendorcsv.Row{
		{Line: 2, ID: "b", RegisteredAt: date(2018, 1, 2)},
		{Line: 3, ID: "a", RegisteredAt: date(2018, 1, 1), ConvertedAt: time.Date(2018, 1, 16, 1, 30, 0, 0, time.UTC)},
	}, rows)
}

func TestReadFindsColumnsByName(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"any order":         "converted_at,extra,vendor_id,registered_at\n,x,a,2018-01-01\n",
		"only what counts":  "vendor_id,registered_at,converted_at\na,2018-01-01,\n",
		"a byte order mark": "\ufeffvendor_id,registered_at,converted_at\na,2018-01-01,\n",
		"Windows line ends": "vendor_id,registered_at,converted_at\r\na,2018-01-01,\r\n",
		"no end of line":    "vendor_id,registered_at,converted_at\na,2018-01-01,",
		"blanks and case":   " Vendor_ID , registered_at, converted_at\n a , 2018-01-01 , \n",
		"empty lines":       "\n\nvendor_id,registered_at,converted_at\n\na,2018-01-01,\n\n",
		"quotes":            "\"vendor_id\",\"registered_at\",\"converted_at\"\n\"a\",\"2018-01-01\",\"\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, problems, err := vendorcsv.Read(strings.NewReader(file))
			require.NoError(t, err)
			require.Empty(t, problems)
			require.Len(t, rows, 1)
			require.Equal(t, "a", rows[0].ID)
			require.Equal(t, date(2018, 1, 1), rows[0].RegisteredAt)
			require.Zero(t, rows[0].ConvertedAt)
		})
	}
}

func TestReadSkipsBadLinesAndNamesThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ line, field, message string }{
		"too few columns":    {"a,2018-01-01,,", "", "has 4 columns, the header has 5"},
		"too many columns":   {"a,2018-01-01,,,,", "", "has 6 columns, the header has 5"},
		"no id":              {",2018-01-01,,,", "vendor_id", "is missing"},
		"a strange id":       {"a b,2018-01-01,,,", "vendor_id", `"a b" is not 1 to 64 letters, digits, underscores and dashes`},
		"a foreign id":       {"é,2018-01-01,,,", "vendor_id", `"é" is not 1 to 64 letters, digits, underscores and dashes`},
		"a long id":          {strings.Repeat("a", 65) + ",2018-01-01,,,", "vendor_id", `"` + strings.Repeat("a", 65) + `" is not 1 to 64 letters, digits, underscores and dashes`},
		"an id twice":        {"first,2018-01-01,,,", "vendor_id", "first is on line 2 already"},
		"no date":            {"a,,,,", "registered_at", "is missing"},
		"no such date":       {"a,2018-02-30,,,", "registered_at", `"2018-02-30" is not a date like 2018-01-31`},
		"a date and time":    {"a,2018-02-03T00:00:00Z,,,", "registered_at", `"2018-02-03T00:00:00Z" is not a date like 2018-01-31`},
		"a date long ago":    {"a,1018-02-03,,,", "registered_at", "1018-02-03 is not in the years 2000 to 2099"},
		"a wrong moment":     {"a,2018-01-01,,,2018-01-02", "converted_at", `"2018-01-02" is not a moment like 2018-01-31T09:30:00Z`},
		"a moment to come":   {"a,2018-01-01,,,9999-01-02T00:00:00Z", "converted_at", `"9999-01-02T00:00:00Z" is not a moment like 2018-01-31T09:30:00Z`},
		"a control":          {"a,2018-01-01,x\x00y,,", "", "holds a control character"},
		"an escape":          {"a\x1b[2J,2018-01-01,,,", "", "holds a control character"},
		"not UTF-8":          {"a,2018-01-01,\xff,,", "", "is not UTF-8"},
		"a quote left open":  {"a,2018-01-01,\"x,,", "", `is not CSV: extraneous or missing " in quoted-field at character 18`},
		"a quote in a field": {"a,2018-01-01,x\"y,,", "", `is not CSV: bare " in non-quoted-field at character 15`},
		"a line too long":    {"a,2018-01-01," + strings.Repeat("x", 70_000) + ",,", "", "is longer than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, problems, err := vendorcsv.Read(strings.NewReader(header + "first,2018-01-01,,,\n" + c.line + "\nlast,2018-01-01,,,\n"))
			require.NoError(t, err)
			require.Equal(t, []vendorcsv.Problem{{Line: 3, Field: c.field, Message: c.message}}, problems)
			require.Len(t, rows, 2, "the other lines stand")
			require.Equal(t, 4, rows[1].Line)
		})
	}
}

// A line break in quotes is a part of the field, whatever stands on the next line.
func TestARowMayGoOverSeveralLines(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n", "\r\n"} {
		lines := []string{
			"vendor_id,registered_at,note,other,converted_at",
			`v-1,2018-01-01,"first`, `v-99,2018-01-01,,x,`, `"",last",,`,
			`v-2,2018-01-02,,"` + "", `",`,
			`v-3,2018-01-03,x,y,`,
			`v-4,2018-01-04,"ends "" here","and`, `there",`,
		}
		rows, problems, err := vendorcsv.Read(strings.NewReader(strings.Join(lines, end)))
		require.NoError(t, err)
		require.Empty(t, problems)
		var ids []string
		var at []int
		for _, row := range rows {
			ids, at = append(ids, row.ID), append(at, row.Line)
		}
		require.Equal(t, []string{"v-1", "v-2", "v-3", "v-4"}, ids)
		require.Equal(t, []int{2, 5, 7, 8}, at)
	}
}

// A header may go over several lines as well.
func TestAHeaderMayGoOverSeveralLines(t *testing.T) {
	t.Parallel()
	rows, problems, err := vendorcsv.Read(strings.NewReader("\ufeff\"a\nnote\",vendor_id,registered_at,converted_at\n,v-1,2018-01-01,\n"))
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Len(t, rows, 1)
	require.Equal(t, 3, rows[0].Line)
}

// A row of several lines that cannot be used is left out as one: nothing on its later lines becomes a vendor.
func TestAWrongRowOfSeveralLinesIsOneProblem(t *testing.T) {
	t.Parallel()
	rows, problems, err := vendorcsv.Read(strings.NewReader(header + "v 1,2018-01-01,\"x\nv-99,2018-01-01,,,\n\",,\nv-2,2018-01-01,,,\n"))
	require.NoError(t, err)
	require.Len(t, problems, 1)
	require.Equal(t, 2, problems[0].Line)
	require.Len(t, rows, 1)
	require.Equal(t, "v-2", rows[0].ID)
	require.Equal(t, 5, rows[0].Line)
}

func TestReadRefusesAFileWithoutItsHeader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, message string }{
		"empty":           {"", "the file is empty: it has no header"},
		"empty lines":     {"\n\r\n  \n", "the file is empty: it has no header"},
		"no header":       {"a,2018-01-01,,,\n", `line 1, the header: there is no column vendor_id among ["a" "2018-01-01" "" "" ""]`},
		"other separator": {"vendor_id;registered_at;converted_at\n", `line 1, the header: there is no column vendor_id among ["vendor_id;registered_at;converted_at"]`},
		"no conversions":  {"vendor_id,registered_at\n", `line 1, the header: there is no column converted_at among ["vendor_id" "registered_at"]`},
		"a column twice":  {"vendor_id,registered_at,vendor_id,converted_at\n", "line 1, the header: the column vendor_id occurs twice"},
		"not a text":      {"\x7fELF\x00\n", "line 1, the header: holds a control character"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := vendorcsv.Read(strings.NewReader(c.file))
			require.EqualError(t, err, c.message)
		})
	}
}

func TestReadPassesOnThatTheFileCannotBeRead(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	_, _, err := vendorcsv.Read(io.MultiReader(strings.NewReader(header), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
}

func TestProblemNamesLineAndField(t *testing.T) {
	t.Parallel()
	require.Equal(t, "line 3: vendor_id: is missing", vendorcsv.Problem{Line: 3, Field: "vendor_id", Message: "is missing"}.String())
	require.Equal(t, "line 3: is not UTF-8", vendorcsv.Problem{Line: 3, Message: "is not UTF-8"}.String())
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte(header + "a,2018-01-01,x,,2018-01-15T22:30:00Z\nb,2018-01-02,,,\n"))
	f.Add([]byte("\ufeff" + header + "a,2018-01-01,x,,\r\na,2018-01-01,x,,\r\n\r\n"))
	f.Add([]byte(header + "\"a,2018-01-01\n,,\"\"\nb\x00,\xff"))
	f.Add([]byte("converted_at,vendor_id,registered_at\n2018-01-15T22:30:00+25:00,x,2018-13-41"))
	f.Add([]byte(header + strings.Repeat("x", 70_000)))
	f.Fuzz(func(t *testing.T, file []byte) {
		rows, problems, err := vendorcsv.Read(strings.NewReader(string(file)))
		if err != nil {
			require.Empty(t, rows)
			return
		}
		requireEachLineOnce(t, string(file), rows, problems)
		ids := make(map[string]bool)
		for _, row := range rows {
			require.True(t, trial.ValidVendorID(row.ID), row.ID)
			require.False(t, ids[row.ID], "%s is there twice", row.ID)
			require.Equal(t, row.RegisteredAt, row.RegisteredAt.Truncate(24*time.Hour))
			ids[row.ID] = true
		}
	})
}

// requireEachLineOnce checks that each line that is not empty, the header apart, is either a row or
// a problem.
func requireEachLineOnce(t *testing.T, file string, rows []vendorcsv.Row, problems []vendorcsv.Problem) {
	t.Helper()
	seen := make(map[int]string)
	for _, row := range rows {
		seen[row.Line] += "row"
	}
	for _, problem := range problems {
		seen[problem.Line] += "problem"
	}
	if strings.Contains(file, `"`) { // a row may go over several lines
		for line, what := range seen {
			require.Contains(t, []string{"row", "problem"}, what, "line %d", line)
		}
		return
	}
	isHeader := true
	for i, line := range strings.Split(strings.TrimPrefix(file, "\ufeff"), "\n") {
		if strings.TrimSpace(line) == "" && len(line) < 64<<10 {
			require.NotContains(t, seen, i+1)
			continue
		}
		if isHeader {
			isHeader = false
			continue
		}
		require.Contains(t, []string{"row", "problem"}, seen[i+1], "line %d: %q", i+1, line)
	}
}
