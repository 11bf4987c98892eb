package bulk_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

func TestReadCSV(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       []bulk.Listing
	}{
		{"ids alone", "vendor_id\nv-1\nv-2\n", []bulk.Listing{{VendorID: "v-1"}, {VendorID: "v-2"}}},
		{"other columns, blanks, a byte order mark", "\ufeffVendor_ID ,name,DAYS\r\n v-1 ,\"A, B\",7\r\nv-2,C,\r\n", []bulk.Listing{{VendorID: "v-1", Days: 7}, {VendorID: "v-2"}}},
		{"empty lines", "vendor_id\n\nv-1\n\n", []bulk.Listing{{VendorID: "v-1"}}},
		{"a header alone", "vendor_id\n", nil},
		{"a line break in quotes", "vendor_id,note\nv-1,\"x\nv-99,y\"\nv-2,z\n", []bulk.Listing{{VendorID: "v-1"}, {VendorID: "v-2"}}},
	} {
		list, err := bulk.ReadCSV(c.text)
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, list, c.name)
	}
}

func TestReadCSVRefuses(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"":                               "header",
		"id\nv-1\n":                      "vendor_id",
		"vendor_id\na b\n":               "line 2",
		"vendor_id\nada@example.com\n":   "line 2",
		"vendor_id\nv-1\nv-2,7\n":        "line 3",
		"vendor_id,days\nv-1,0\n":        "days",
		"vendor_id,days\nv-1,366\n":      "days",
		"vendor_id,days\nv-1,seven\n":    "days",
		"vendor_id\nv-1\n\"v-2\n":        "line",
		"vendor_id,vendor_id\nv-1,v-2\n": "twice",
		"days,vendor_id,days\n1,v-2,2\n": "twice",
		"vendor_id\n" + lines(20_001):    "more than",
		"vendor_id,days\n" + ",7\nv-1,":  "line 2",
	} {
		_, err := bulk.ReadCSV(text)
		var e *trial.Error
		require.ErrorAs(t, err, &e, "%.40q", text)
		require.Equal(t, "csv", e.Field)
		require.Contains(t, e.Message, says)
		require.NotContains(t, e.Message, "ada@example.com", "what is wrong may be an address")
	}
}

func lines(n int) string { return strings.Repeat("v-1\n", n) }

func TestCheckList(t *testing.T) {
	t.Parallel()
	extend := operation(bulk.Extend)
	requireField(t, "", extend.CheckList([]bulk.Listing{{VendorID: "v-1"}, {VendorID: "v-2", Days: 3}}))
	requireField(t, "ids.1", extend.CheckList([]bulk.Listing{{VendorID: "v-1"}, {VendorID: "v.2"}}))
	requireField(t, "csv", operation(bulk.Cancel).CheckList([]bulk.Listing{{VendorID: "v-1", Days: 3}}))
	extend.Days = 0
	requireField(t, "days", extend.CheckList([]bulk.Listing{{VendorID: "v-1", Days: 3}, {VendorID: "v-2"}}))
}

// Whatever is read, no list comes of it that holds what is no id.
func FuzzReadCSV(f *testing.F) {
	for _, seed := range []string{"vendor_id\nv-1\n", "vendor_id,days\nv-1,7\n", "\ufeffvendor_id\r\n\"v-1\"\r\n", "", ",,,\n", "vendor_id\n\"", "vendor_id;days\n1;2\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := bulk.ReadCSV(text)
		if err != nil {
			require.Nil(t, list)
			return
		}
		for _, l := range list {
			require.True(t, trial.ValidVendorID(l.VendorID))
			require.True(t, l.Days >= 0 && l.Days <= trial.MaxDays)
		}
	})
}
