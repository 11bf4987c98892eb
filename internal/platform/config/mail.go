package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/layout"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/domain/wording"
)

// Mail is what e-mails to vendors look like and say.
type Mail struct {
	Brand brand.Brand
	Words *wording.Set
	// Layout is how they are laid out.
	Layout *layout.Layout
	// Version is a hash of all that they are made of.
	Version string
	// signed says by file and line which of the buttons' targets have a token.
	signed []error
}

// versionLetters are enough of the hash to tell a marketplace's versions apart.
const versionLetters = 16

// Mail returns the brand and the words in the folder of MAIL_TEMPLATES, over the built-in ones; without a folder the neutral brand.
// Errors name files and lines, all that are wrong.
func (c Config) Mail() (Mail, error) {
	f := mailFiles{lines: map[string]yamlLines{}, version: sha256.New()}
	built := f.folders(wording.BuiltIn(), "built in")
	var b brand.Brand
	var own []wording.Source
	brandPath := filepath.Join(c.MailTemplates, brandFile)
	if c.MailTemplates != "" {
		named, err := readFile(brandPath, func(r io.Reader) (branded, error) { return readBrand(f.noted(brandFile, r)) })
		if err != nil {
			return Mail{}, err
		}
		b, f.lines[brandPath] = named.brand, named.lines
		own = f.folders(os.DirFS(c.MailTemplates), c.MailTemplates)
	}
	laidOut := f.layout(c.MailTemplates)
	if len(f.problems) > 0 {
		return Mail{}, errors.Join(f.problems...)
	}
	words, problems := wording.NewSet(cmp.Or(b.Language, wording.FallbackLanguage), built, own)
	for _, p := range problems {
		f.add(cmp.Or(p.File, brandPath), p.Err)
	}
	if words != nil && c.MailTemplates != "" {
		f.buttons(brandPath, b, words)
	}
	if len(f.problems) > 0 {
		return Mail{}, errors.Join(f.problems...)
	}
	return Mail{b, words, laidOut, hex.EncodeToString(f.version.Sum(nil))[:versionLetters], f.signed(brandPath, b)}, nil
}

// Signable refuses, of what was read, targets of buttons with a token that nothing signs. Whoever only looks at e-mails needs no key.
func (c Config) Signable(mail Mail, err error) (Mail, error) {
	if err == nil && c.ButtonSecret == "" {
		err = errors.Join(mail.signed...)
	}
	return mail, err
}

// MailOf is Mail for policies: each of their own e-mails must have its words, or no vendor could be written to when it is due.
func (c Config) MailOf(policies policy.Set) (Mail, error) {
	mail, err := c.Mail()
	if err != nil {
		return mail, err
	}
	var missing []error
	for _, p := range policies.Policies {
		for _, m := range p.Mailings {
			if _, ok := mail.Words.For("", m.Template); !ok {
				missing = append(missing, fmt.Errorf("policy %s, step %s: template: there are no words %s: make the file %s",
					p.Name, m.ID, m.Template, filepath.Join(cmp.Or(c.MailTemplates, "MAIL_TEMPLATES"), mail.Words.Fallback(), m.Template+".yaml")))
			}
		}
	}
	return mail, errors.Join(missing...)
}

// mailFiles reads the files of a folder with words.
type mailFiles struct {
	lines    map[string]yamlLines
	problems []error
	version  hash.Hash
}

// noted is a file that counts for the version.
func (f *mailFiles) noted(name string, r io.Reader) io.Reader {
	_, _ = fmt.Fprintf(f.version, "\x00%s\x00", name) // a hash takes everything
	return io.TeeReader(r, f.version)
}

// add says what is wrong with a file, at a path in it; empty for all of it.
func (f *mailFiles) add(file string, e *trial.Error) {
	at := ""
	if e.Field != "" {
		at = f.lines[file].at(e.Field) + ": "
	}
	f.problems = append(f.problems, fmt.Errorf("%s: %s%s", file, at, e.Message))
}

// layout reads the templates of a folder, which may have none.
func (f *mailFiles) layout(folder string) *layout.Layout {
	own := map[string]string{}
	for _, name := range []string{layout.HTMLFile, layout.TextFile} {
		if folder == "" {
			break
		}
		file, err := os.Open(filepath.Join(folder, name)) //nolint:gosec // G304: the operator names the folder
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var text []byte
		if err == nil {
			text, err = io.ReadAll(f.noted(name, io.LimitReader(file, layout.MaxBytes+1)))
			_ = file.Close() // nothing was written
		}
		if err != nil {
			f.problems = append(f.problems, fmt.Errorf("%s: %w", filepath.Join(folder, name), unwrapped(err)))
			continue
		}
		own[name] = string(text)
	}
	l, problems := layout.New(own)
	for _, p := range problems {
		line := ""
		if p.Line > 0 {
			line = fmt.Sprintf("line %d: ", p.Line)
		}
		f.problems = append(f.problems, fmt.Errorf("%s: %s%s", filepath.Join(folder, p.File), line, p.Message))
	}
	return l
}

// buttons says which of a brand's buttons belong to no kind, and which of the kinds' have no target.
func (f *mailFiles) buttons(file string, b brand.Brand, words *wording.Set) {
	kinds := words.Kinds()
	for _, kind := range slices.Sorted(maps.Keys(b.Buttons.Own)) {
		if !slices.Contains(kinds, kind) {
			f.add(file, trial.Invalid("buttons."+kind, "is no kind of e-mail; such are %s", strings.Join(kinds, ", ")))
		}
	}
	for _, kind := range kinds {
		if b.Target(kind, "v", "t") == "" && words.HasButton(kind) {
			f.add(file, trial.Invalid("buttons."+kind, "is missing, and there is no default: the button would lead nowhere"))
		}
	}
}

// signed says which of a brand's buttons have a token.
func (f *mailFiles) signed(file string, b brand.Brand) []error {
	var all []error
	for _, field := range b.Buttons.Signed() {
		all = append(all, fmt.Errorf("%s: %s: has %s, but BUTTON_SECRET is not set, and neither is BUTTON_SECRET_FILE; it signs the token",
			file, f.lines[file].at(field), brand.Token))
	}
	return all
}

// folders reads the words of every language in a folder. Whatever is hidden is left alone.
func (f *mailFiles) folders(folder fs.FS, name string) []wording.Source {
	var all []wording.Source
	for _, entry := range f.entries(folder, ".", name) {
		file := filepath.Join(name, entry.Name())
		info, err := fs.Stat(folder, entry.Name()) // of what a link leads to
		switch {
		case err != nil:
			f.problems = append(f.problems, fmt.Errorf("%s: %w", file, unwrapped(err)))
		case !info.IsDir() && isYAML(entry.Name()) && entry.Name() != brandFile:
			f.add(file, trial.Invalid("", "belongs into the folder of its language, such as %s", wording.FallbackLanguage))
		case !info.IsDir():
		default:
			all = append(all, f.language(folder, entry.Name(), file)...)
		}
	}
	return all
}

// language reads the words of one language.
func (f *mailFiles) language(folder fs.FS, name, at string) []wording.Source {
	language, err := wording.ParseLanguage(name)
	switch {
	case err != nil:
		f.add(at, trial.Invalid("", "%s", err.Error()))
		return nil
	case language.Tag() != name:
		f.add(at, trial.Invalid("", "is written %s", language.Tag()))
		return nil
	}
	var all []wording.Source
	for _, entry := range f.entries(folder, name, at) {
		file := filepath.Join(at, entry.Name())
		kind, isWords := strings.CutSuffix(entry.Name(), ".yaml")
		if !isWords || kind != wording.KindCommon && kind != wording.KindPages && !wording.ValidKind(kind) {
			f.add(file, trial.Invalid("", "is no kind of e-mail: it must be called common.yaml, pages.yaml, or 1 to 40 small letters, digits and dashes, and .yaml"))
			continue
		}
		words, err := readFileOf(folder, path.Join(name, entry.Name()), func(r io.Reader) (words, error) { return readWords(f.noted(file, r)) })
		if err != nil {
			f.problems = append(f.problems, fmt.Errorf("%s: %w", file, err))
			continue
		}
		f.lines[file] = words.lines
		all = append(all, wording.Source{File: file, Language: name, Kind: kind, Fields: words.fields})
	}
	return all
}

// entries are those of a folder that are not hidden.
func (f *mailFiles) entries(folder fs.FS, name, at string) []fs.DirEntry {
	entries, err := fs.ReadDir(folder, name)
	if err != nil {
		f.problems = append(f.problems, fmt.Errorf("%s: %w", at, unwrapped(err)))
	}
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), ".") })
}

func isYAML(name string) bool { return slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(name)) }

// readFileOf reads a file of a folder.
func readFileOf[T any](folder fs.FS, name string, read func(io.Reader) (T, error)) (T, error) {
	file, err := folder.Open(name)
	if err != nil {
		var none T
		return none, unwrapped(err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	return read(file)
}

// unwrapped is an error without the path that it repeats.
func unwrapped(err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		return inner.Err
	}
	return err
}

// words is the content of a file with words, and where it stands.
type words struct {
	fields map[string]any
	lines  yamlLines
}

func readWords(r io.Reader) (words, error) {
	fields := map[string]any{}
	lines, err := decodeYAML(r, &fields)
	if err != nil {
		return words{}, err
	}
	for name := range fields {
		fields[name] = named(fields[name])
	}
	return words{fields, lines}, nil
}

// named is a value whose maps have their keys as they are written, such as the number of a form.
func named(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			value[key] = named(value[key])
		}
		return value
	case map[any]any:
		all := make(map[string]any, len(value))
		for key := range value {
			all[fmt.Sprint(key)] = named(value[key])
		}
		return all
	case []any:
		for i := range value {
			value[i] = named(value[i])
		}
	}
	return value
}
