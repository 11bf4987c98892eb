package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Folder keeps files in a folder of this machine, which it creates if needed.
type Folder string

func (f Folder) String() string { return "folder " + string(f) }

// Put writes to a temporary file, and renames it once it is safely on the disk.
func (f Folder) Put(_ context.Context, name string, content io.Reader) error {
	const private = 0o700 // its files contain everybody's addresses
	if err := os.MkdirAll(string(f), private); err != nil {
		return fmt.Errorf("creating the folder: %w", err)
	}
	if err := f.tidy(); err != nil {
		return err
	}
	file, err := os.CreateTemp(string(f), unfinished+"*")
	if err != nil {
		return fmt.Errorf("creating the file: %w", err)
	}
	_, err = io.Copy(file, content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), filepath.Join(string(f), name))
	}
	if err == nil {
		return f.sync()
	}
	return errors.Join(fmt.Errorf("writing %s: %w", name, err), os.Remove(file.Name()))
}

// sync writes the folder to the disk as well, or a loss of power could lose the name.
func (f Folder) sync() error {
	folder, err := os.Open(string(f))
	if err != nil {
		return fmt.Errorf("opening the folder: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("writing the folder: %w", err)
	}
	return nil
}

// unfinished is the name prefix of files that are being written.
const unfinished = ".unfinished-"

// tidy deletes the files of processes that were killed while writing: no write takes a day.
func (f Folder) tidy() error {
	left, err := filepath.Glob(filepath.Join(string(f), unfinished+"*"))
	if err != nil {
		return fmt.Errorf("finding unfinished files: %w", err)
	}
	for _, name := range left {
		const day = 24 * time.Hour
		info, err := os.Stat(name)
		if err == nil && time.Since(info.ModTime()) > day {
			err = os.Remove(name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("deleting an unfinished file: %w", err)
		}
	}
	return nil
}

// Get opens a file.
func (f Folder) Get(_ context.Context, name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(string(f), name)) //nolint:gosec,wrapcheck // G304: the names are ids of backups, checked
}

// List lists the files of the folder, with their sizes in bytes; a missing folder is empty.
func (f Folder) List(context.Context) (map[string]int64, error) {
	entries, err := os.ReadDir(string(f))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	files := map[string]int64{}
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			files[entry.Name()] = info.Size()
		}
	}
	return files, nil
}

// Delete deletes a file; one that is gone already is no error.
func (f Folder) Delete(_ context.Context, name string) error {
	if err := os.Remove(filepath.Join(string(f), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
