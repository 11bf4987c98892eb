package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Kind is what a backup holds.
type Kind string

// The kinds of backup.
const (
	// Full holds every document.
	Full Kind = "full"
	// Incremental holds what is different from a full one, its base.
	Incremental Kind = "incremental"
)

// Origin names the database that a backup is of.
type Origin struct {
	// Installation is the random id that the database got when its first backup was taken. It tells two
	// installations apart that name their databases alike.
	Installation string `json:"installation"`
	Database     string `json:"database"`
}

func (o Origin) String() string {
	return fmt.Sprintf("database %s of installation %s", o.Database, o.Installation)
}

// Of returns the backups of one database.
func Of(manifests []Manifest, o Origin) []Manifest {
	return slices.DeleteFunc(slices.Clone(manifests), func(m Manifest) bool { return m.Origin != o })
}

// installationPattern is what rand.Text makes.
var installationPattern = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// Header is what a backup says of itself before its records.
type Header struct {
	// Format is the version of the file's format; formatVersion.
	Format int    `json:"format"`
	ID     string `json:"id"`
	Kind   Kind   `json:"kind"`
	Origin
	// Base is the full backup that an incremental one changes; empty for a full one.
	Base string `json:"base,omitempty"`
	// Begin is the moment before the first document was read.
	Begin time.Time `json:"begin"`
	// Schema is the version of the product's collections.
	Schema int `json:"schema"`
}

// Schema is the version of the product's collections that this program reads and writes.
const Schema = 1

// formatVersion counts changes of the file's format. Version 1 did not name the installation.
const formatVersion = 2

// Counts are how many records a backup has of one collection.
type Counts struct {
	Documents int `json:"documents"`
	// Removed counts documents that the base has and the database has no more.
	Removed int `json:"removed"`
}

// Trailer is what a backup says of itself after its records. A file without one was cut off.
type Trailer struct {
	// End is the moment after the last document was read.
	End         time.Time         `json:"end"`
	Collections map[string]Counts `json:"collections"`
}

// Manifest stands beside the file and is written last: a file without one was never finished.
type Manifest struct {
	Header
	Trailer

	// Encrypted tells whether the file opens with a key only.
	Encrypted bool `json:"encrypted"`
	// Size is the file's length in bytes, SHA256 its checksum in hexadecimal digits.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Checksum is that of the manifest itself, as SHA256, without this field.
	Checksum string `json:"checksum"`
}

// checksum is what Checksum has to be.
func (m Manifest) checksum() string {
	m.Checksum = ""
	document, err := json.Marshal(m)
	if err != nil {
		return "" // no manifest that was read
	}
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:])
}

// Documents counts all documents in the backup.
func (m Manifest) Documents() (n int) {
	for _, c := range m.Collections {
		n += c.Documents
	}
	return n
}

// The names of a backup's two files are its id and these.
const (
	fileEnding     = ".backup"
	manifestEnding = ".json"
)

const idTime = "20060102T150405.000Z"

// idPattern keeps ids from being anything but a name.
var idPattern = regexp.MustCompile(`^\d{8}T\d{6}\.\d{3}Z-(full|incremental)$`)

// ValidID tells whether an id is one that a backup may have.
func ValidID(id string) bool { return idPattern.MatchString(id) }

func newID(begin time.Time, kind Kind) string {
	return fmt.Sprintf("%s-%s", begin.UTC().Format(idTime), kind)
}

// check refuses a header that no backup of ours has.
func (h Header) check() error {
	switch {
	case h.Format != formatVersion:
		return fmt.Errorf("its format is version %d, this program reads %d", h.Format, formatVersion)
	case h.Schema != Schema:
		return fmt.Errorf("its collections are of schema %d, this program's of %d", h.Schema, Schema)
	case !ValidID(h.ID) || h.Kind != Full && h.Kind != Incremental || !strings.HasSuffix(h.ID, "-"+string(h.Kind)):
		return fmt.Errorf("its id %.80q and kind %.80q do not go together", h.ID, h.Kind)
	case (h.Kind == Incremental) != (h.Base != ""):
		return fmt.Errorf("it is %s with base %.80q", h.Kind, h.Base)
	case h.Base != "" && !ValidID(h.Base):
		return fmt.Errorf("its base %.80q is no backup's id", h.Base)
	case !installationPattern.MatchString(h.Installation):
		return fmt.Errorf("its installation %.80q is no installation's id", h.Installation)
	}
	return nil
}
