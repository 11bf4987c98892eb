// Command vulndb lays out the Go vulnerability database as govulncheck reads it from a folder, so that
// `make vuln` needs no server beside the module proxy: the module golang.org/x/vulndb holds all entries.
// The layout is described at https://go.dev/security/vuln/database.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: vulndb FOLDER-OF-ENTRIES FOLDER-TO-MAKE")
		os.Exit(2)
	}
	if err := layOut(os.DirFS(os.Args[1]), os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "vulndb:", err)
		os.Exit(1)
	}
}

// entry is what the indexes need of one vulnerability in the OSV format.
type entry struct {
	ID       string    `json:"id"`
	Modified time.Time `json:"modified"`
	Aliases  []string  `json:"aliases"`
	Affected []struct {
		Package struct {
			Name string `json:"name"`
		} `json:"package"`
	} `json:"affected"`
}

// vuln is a row of index/vulns.json, and without aliases of index/modules.json. The version that fixes
// it may be given there too, to spare the reader an entry; without it none is passed over.
type vuln struct {
	ID       string    `json:"id"`
	Modified time.Time `json:"modified"`
	Aliases  []string  `json:"aliases,omitempty"`
}

type module struct {
	Path  string `json:"path"`
	Vulns []vuln `json:"vulns"`
}

// layOut replaces the folder into with a database of the entries, which lie beside each other as ID.json.
func layOut(entries fs.FS, into string) error {
	read, err := readEntries(entries)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(into); err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(into, "ID"), entries); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(into, "index"), 0o755); err != nil {
		return err
	}
	for name, content := range indexes(read) {
		encoded, err := json.Marshal(content)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(into, "index", name), encoded, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// readEntries fails where there is none: govulncheck finds nothing wrong with anything then.
func readEntries(entries fs.FS) ([]entry, error) {
	names, err := fs.Glob(entries, "*.json")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("no entries in the folder")
	}
	read := make([]entry, 0, len(names))
	for _, name := range names {
		content, err := fs.ReadFile(entries, name)
		if err != nil {
			return nil, err
		}
		var e entry
		if err := json.Unmarshal(content, &e); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if e.ID+".json" != name {
			return nil, fmt.Errorf("%s is the entry of %q", name, e.ID)
		}
		read = append(read, e)
	}
	return read, nil
}

func indexes(entries []entry) map[string]any {
	var latest time.Time
	vulns := make([]vuln, 0, len(entries))
	byModule := map[string][]vuln{}
	for _, e := range entries {
		if e.Modified.After(latest) {
			latest = e.Modified
		}
		vulns = append(vulns, vuln{ID: e.ID, Modified: e.Modified, Aliases: e.Aliases})
		for _, path := range modulesOf(e) {
			byModule[path] = append(byModule[path], vuln{ID: e.ID, Modified: e.Modified})
		}
	}
	modules := make([]module, 0, len(byModule))
	for path, found := range byModule {
		modules = append(modules, module{Path: path, Vulns: found})
	}
	slices.SortFunc(modules, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return map[string]any{
		"db.json":      map[string]time.Time{"modified": latest},
		"vulns.json":   vulns,
		"modules.json": modules,
	}
}

// modulesOf names each module once, though an entry may list several ranges of its versions.
func modulesOf(e entry) []string {
	var paths []string
	for _, affected := range e.Affected {
		paths = append(paths, affected.Package.Name)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
