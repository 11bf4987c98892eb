package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Identity is what a journal belongs to. A import continues only with the same one.
type Identity struct {
	// File is the SHA-256 of the imported file, in hex.
	File string `json:"file"`
	// API is the address of the system.
	API string `json:"api"`
	// From, To and Limit are the selection; dates as text, empty where unbounded.
	From  string `json:"from"`
	To    string `json:"to"`
	Limit int    `json:"limit"`
}

// Entry is one line of a journal: its beginning, or what was done about one vendor.
type Entry struct {
	// Identity and Day are set on the first entry only. Day is the length of a day.
	Identity *Identity     `json:"identity,omitempty"`
	Day      time.Duration `json:"day,omitempty"`

	VendorID string `json:"vendorId,omitempty"`
	// RegisteredAt is the trial's start by the system's answer, set once the vendor is registered.
	RegisteredAt *time.Time   `json:"registeredAt,omitempty"`
	Cohort       trial.Cohort `json:"cohort,omitempty"`
	// Converted is set once the conversion is on record.
	Converted bool `json:"converted,omitempty"`
	// Refused is why the system refused the vendor or its conversion. The import does not retry it.
	Refused *Problem `json:"refused,omitempty"`
}

// Journal records on disk what was done, so that a stopped import continues where it was. Losing its last lines is harmless: the
// import repeats those requests, and the system does nothing twice.
type Journal struct {
	file *os.File
	// Day is the length of a day, 0 for a new journal.
	Day  time.Duration
	done map[string]Entry // by vendor, its entries folded into one
}

// ErrOtherImport says that a journal belongs to another file, system or selection.
var ErrOtherImport = errors.New("the state belongs to another import")

var errNoJournal = errors.New("the file is not the state of an import")

// opening is the beginning of every journal.
const opening = `{"identity":`

// OpenJournal opens the journal at path, or creates an empty one. It fails with ErrOtherImport if the journal has another
// identity; with anew it clears any journal instead. It never changes a file that is no journal. Only one process can use a
// journal at a time.
func OpenJournal(path string, id Identity, anew bool) (*Journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("making the folder of the state: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // G304: the user names the file
	if err != nil {
		return nil, fmt.Errorf("opening the state: %w", err)
	}
	j := &Journal{file: file, done: make(map[string]Entry)}
	err = j.load(id)
	if anew && (err == nil || errors.Is(err, ErrOtherImport)) {
		err = j.Clear()
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return j, nil
}

// load locks and reads the journal. It removes a last line that was cut off.
func (j *Journal) load(id Identity) error {
	if err := lock(j.file); err != nil {
		return errors.New("another import is using this state")
	}
	lines := bufio.NewReader(j.file)
	size := int64(0)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if size == 0 && !bytes.HasPrefix(line, []byte(opening)[:min(len(line), len(opening))]) {
				return errNoJournal // not ours: do not truncate it
			}
			break
		}
		if err != nil {
			return fmt.Errorf("reading the state: %w", err)
		}
		if err := j.read(line, size == 0, id); err != nil {
			return err
		}
		size += int64(len(line))
	}
	if err := j.file.Truncate(size); err != nil {
		return fmt.Errorf("repairing the state: %w", err)
	}
	_, err := j.file.Seek(size, io.SeekStart)
	return err
}

func (j *Journal) read(line []byte, first bool, id Identity) error {
	var e Entry
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&e); err != nil || first != (e.Identity != nil) {
		return errNoJournal
	}
	switch {
	case !first:
		j.fold(e)
	case *e.Identity != id || e.Day <= 0:
		return ErrOtherImport
	default:
		j.Day = e.Day
	}
	return nil
}

func (j *Journal) fold(e Entry) {
	known := j.done[e.VendorID]
	known.VendorID = e.VendorID
	if e.RegisteredAt != nil {
		known.RegisteredAt, known.Cohort = e.RegisteredAt, e.Cohort
	}
	known.Converted = known.Converted || e.Converted
	if e.Refused != nil {
		known.Refused = e.Refused
	}
	j.done[e.VendorID] = known
}

// begin writes the first entry.
func (j *Journal) begin(id Identity, day time.Duration) error {
	j.Day = day
	return j.write(Entry{Identity: &id, Day: day})
}

// add writes what was done about a vendor.
func (j *Journal) add(e Entry) error {
	j.fold(e)
	return j.write(e)
}

func (j *Journal) write(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	return nil
}

// Empty tells whether nothing was done yet.
func (j *Journal) Empty() bool { return len(j.done) == 0 }

// Entry is what was done about a vendor.
func (j *Journal) Entry(vendorID string) Entry { return j.done[vendorID] }

// Clear removes all entries.
func (j *Journal) Clear() error {
	if err := j.file.Truncate(0); err != nil {
		return fmt.Errorf("clearing the state: %w", err)
	}
	if _, err := j.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("clearing the state: %w", err)
	}
	j.Day = 0
	clear(j.done)
	return nil
}

// Close closes the journal.
func (j *Journal) Close() error { return j.file.Close() }
