package importer_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/starter/importer"
)

const (
	journalHead = `{"identity":{"file":"f","api":"http://api","from":"","to":"","limit":0},"day":2000000000}` + "\n"
	registeredA = `{"vendorId":"a","registeredAt":"2018-01-01T00:00:00Z","cohort":"automated"}` + "\n"
	convertedA  = `{"vendorId":"a","converted":true}` + "\n"
	refusedB    = `{"vendorId":"b","refused":{"line":3,"vendorId":"b","message":"no"}}` + "\n"
)

var journalID = importer.Identity{File: "f", API: "http://api"}

func journalFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestJournalRemembers(t *testing.T) {
	t.Parallel()
	path := journalFile(t, journalHead+registeredA+refusedB+convertedA)
	j, err := importer.OpenJournal(path, journalID, false)
	require.NoError(t, err)
	defer func() { require.NoError(t, j.Close()) }()
	a, b := j.Entry("a"), j.Entry("b")
	require.Equal(t, "2018-01-01T00:00:00Z", a.RegisteredAt.Format("2006-01-02T15:04:05Z07:00"))
	require.True(t, a.Converted)
	require.Nil(t, b.RegisteredAt)
	require.Equal(t, &importer.Problem{Line: 3, VendorID: "b", Message: "no"}, b.Refused)
	require.Equal(t, "2s", j.Day.String())
	require.Equal(t, importer.Entry{}, j.Entry("c"))
}

func TestJournalDropsALineThatWasCutOff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, kept string }{
		"the last entry":  {journalHead + registeredA + `{"vendorId":"a","conv`, journalHead + registeredA},
		"the first entry": {`{"identity":{"fi`, ""},
		"its beginning":   {`{"ide`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := journalFile(t, c.content)
			j, err := importer.OpenJournal(path, journalID, false)
			require.NoError(t, err)
			require.NoError(t, j.Close())
			kept, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, c.kept, string(kept))
		})
	}
}

func TestJournalRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	other := journalID
	other.Limit = 5
	for name, c := range map[string]struct {
		content string
		id      importer.Identity
		message string
	}{
		"another selection": {journalHead, other, "the state belongs to another import"},
		"vendors":           {"vendor_id,registered_at\na,2018-01-01\n", journalID, "the file is not the state of an import"},
		"one line of text":  {"precious", journalID, "the file is not the state of an import"},
		"another JSON":      {`{"identity":"me"}` + "\n", journalID, "the file is not the state of an import"},
		"no beginning":      {registeredA, journalID, "the file is not the state of an import"},
		"two beginnings":    {journalHead + journalHead, journalID, "the file is not the state of an import"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := journalFile(t, c.content)
			_, err := importer.OpenJournal(path, c.id, false)
			require.EqualError(t, err, path+": "+c.message)
			kept, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, c.content, string(kept), "the file is left alone")
		})
	}
}

func TestJournalBeginsAnewOnlyInAJournal(t *testing.T) {
	t.Parallel()
	other := journalID
	other.API = "http://other"
	j, err := importer.OpenJournal(journalFile(t, journalHead+registeredA), other, true)
	require.NoError(t, err)
	defer func() { require.NoError(t, j.Close()) }()
	require.True(t, j.Empty())
	require.Zero(t, j.Day)

	path := journalFile(t, "precious\n")
	_, err = importer.OpenJournal(path, journalID, true)
	require.ErrorContains(t, err, "the file is not the state of an import")
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "precious\n", string(kept))
}

func TestJournalIsOneProcesssAtATime(t *testing.T) {
	t.Parallel()
	path := journalFile(t, journalHead)
	j, err := importer.OpenJournal(path, journalID, false)
	require.NoError(t, err)
	_, err = importer.OpenJournal(path, journalID, false)
	require.ErrorContains(t, err, "another import is using this state")
	require.NoError(t, j.Close())
	again, err := importer.OpenJournal(path, journalID, false)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}
