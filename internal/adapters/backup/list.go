package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
)

// Listed is what lies in a place.
type Listed struct {
	// Good are the backups that are finished and of the right length, the oldest first.
	Good []Manifest
	// Bad are the others.
	Bad []RefusedError
}

// List looks at the manifests, and at the files' lengths only.
func (v *Repository) List(ctx context.Context) (Listed, error) {
	files, err := v.Storage.List(ctx)
	if err != nil {
		return Listed{}, fmt.Errorf("listing the backups in %s: %w", v.Storage, err)
	}
	var l Listed
	for _, name := range slices.Sorted(maps.Keys(files)) {
		id, ok := strings.CutSuffix(name, fileEnding)
		if !ok || !ValidID(id) {
			continue
		}
		m, err := v.manifest(ctx, id)
		switch {
		case ctx.Err() != nil:
			return Listed{}, ctx.Err()
		case err != nil:
			l.Bad = append(l.Bad, RefusedError{File: name, Reason: err})
		case m.Size != files[name]:
			l.Bad = append(l.Bad, RefusedError{File: name, Reason: wrongLength(files[name], m.Size), Manifest: &m})
		default:
			l.Good = append(l.Good, m)
		}
	}
	return l, nil
}

func wrongLength(is, should int64) error {
	return fmt.Errorf("it has %d bytes and should have %d", is, should)
}

// Finished are all backups that were finished, those as well of which it shows already that they are no
// good any more: who restores from one of these is to be told so, and not be given an older one unasked.
func (l Listed) Finished() []Manifest {
	all := slices.Clone(l.Good)
	for _, bad := range l.Bad {
		if bad.Manifest != nil {
			all = append(all, *bad.Manifest)
		}
	}
	return all
}

// Unreadable is the first backup begun since one moment and up to another of which it cannot be read what it
// is; nil for none. One without a manifest was never finished, and is none of them.
func (l Listed) Unreadable(since, until time.Time) *RefusedError {
	for i := range l.Bad {
		bad := &l.Bad[i]
		if beginTime := bad.beginTime(); bad.Manifest == nil && !errors.Is(bad.Reason, fs.ErrNotExist) && beginTime.After(since) && !beginTime.After(until) {
			return bad
		}
	}
	return nil
}

// beginTime is when the backup was begun, by its name.
func (e *RefusedError) beginTime() time.Time {
	beginTime, _ := time.Parse(idTime, e.File[:min(len(idTime), len(e.File))]) // the zero time where it is none
	return beginTime
}

// Last is the last good backup of a database, none of the future, and whether there is one. It reads as few manifests as it can.
func (v *Repository) Last(ctx context.Context, origin Origin) (last Manifest, found bool, err error) {
	files, err := v.Storage.List(ctx)
	if err != nil {
		return Manifest{}, false, fmt.Errorf("listing the backups in %s: %w", v.Storage, err)
	}
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(files))) { // their names begin with the moment
		id, ok := strings.CutSuffix(name, fileEnding)
		if !ok || !ValidID(id) {
			continue
		}
		m, err := v.manifest(ctx, id)
		if ctx.Err() != nil {
			return Manifest{}, false, ctx.Err()
		}
		if err == nil && m.Size == files[name] && m.Origin == origin && !m.Future(v.Now()) {
			return m, true, nil
		}
	}
	return Manifest{}, false, nil
}

// maxManifest bounds what is read of a manifest, in bytes.
const maxManifest = 1 << 20

func (v *Repository) manifest(ctx context.Context, id string) (Manifest, error) {
	file, err := v.Storage.Get(ctx, id+manifestEnding)
	if errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, fmt.Errorf("its manifest, which is written last, is not there: %w", err)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("its manifest cannot be read: %w", err)
	}
	defer file.Close()
	document, err := io.ReadAll(io.LimitReader(file, maxManifest))
	if err != nil {
		return Manifest{}, fmt.Errorf("its manifest cannot be read: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(document, &m); err != nil {
		return Manifest{}, fmt.Errorf("its manifest cannot be read: %w", err)
	}
	switch {
	case m.ID != id:
		return Manifest{}, fmt.Errorf("its manifest is that of %.80q", m.ID)
	case m.Checksum != m.checksum():
		return Manifest{}, errors.New("its manifest does not have the checksum that it names")
	}
	return m, m.check()
}
