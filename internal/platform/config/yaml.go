package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a YAML file, each far from what ours hold: a path to something else is a mistake. The last three keep the work on
// a file in proportion to its size, since every value's path is kept, and the parser compares each name of a mapping with all others.
const (
	maxFileBytes = 1 << 20
	maxDepth     = 20
	maxNames     = 1000
	maxNameBytes = 200
	// maxExplained bounds the errors that are explained at once.
	maxExplained = 20
)

// yamlLines are the positions of a YAML file's values, by their paths, such as
// "phases[2].soakDays".
type yamlLines map[string]yamlPlace

type yamlPlace struct {
	line int
	// float says that it is written with a fraction or an exponent,
	// which the parser would truncate to a whole number.
	float bool
}

// at names a field by its path and its line, or the line of its parent.
// It is the path alone if the file does not have the field.
func (l yamlLines) at(path string) string {
	for part := path; part != ""; part = parentOf(part) {
		if place, ok := l[part]; ok {
			return fmt.Sprintf("line %d: %s", place.line, path)
		}
	}
	return path
}

func parentOf(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// onLine returns the field on a line; if there are several, their common parent
// and false.
func (l yamlLines) onLine(line int) (path string, one bool) {
	var ends []string
	continued := map[string]bool{}
	for path, place := range l {
		if place.line == line {
			continued[parentOf(path)] = true // no value begins before what holds it
		}
	}
	for path, place := range l {
		if place.line == line && !continued[path] {
			ends = append(ends, path)
		}
	}
	if len(ends) == 0 {
		return "", false
	}
	path = ends[0]
	for _, end := range ends[1:] {
		for path != "" && !within(end, path) {
			path = parentOf(path)
		}
	}
	return path, len(ends) == 1
}

// within reports whether a path is other or below it.
func within(path, other string) bool {
	rest, found := strings.CutPrefix(path, other)
	return found && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// decodeYAML reads one YAML document into a value that contains the defaults, and
// refuses unknown fields. Errors name the line and the
// field, and quote no value.
func decodeYAML(r io.Reader, into any) (yamlLines, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFileBytes {
		return nil, fmt.Errorf("is larger than %d bytes", maxFileBytes)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, explainYAML(err, nil)
	}
	if len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("has no fields")
	}
	lines := yamlLines{}
	if err := lines.add("", document.Content[0], 0); err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		return nil, explainYAML(err, lines)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("contains more than one document")
	}
	return lines, nil
}

// add records the positions of a node, so deep in the file, and of its children. It refuses what YAML reads differently than people
// do, and what is out of bounds.
func (l yamlLines) add(path string, n *yaml.Node, depth int) error {
	if problem := misread(n); problem != "" {
		return fmt.Errorf("line %d: %s: %s", n.Line, path, problem)
	}
	if depth > maxDepth {
		return fmt.Errorf("line %d: %s: lies more than %d levels deep", n.Line, path, maxDepth)
	}
	if path != "" {
		l[path] = yamlPlace{n.Line, n.ShortTag() == "!!float"}
	}
	switch n.Kind {
	case yaml.MappingNode:
		if len(n.Content)/2 > maxNames {
			return fmt.Errorf("line %d: %s: has more than %d fields", n.Line, path, maxNames)
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			if len(name) > maxNameBytes {
				return fmt.Errorf("line %d: %s: has a field whose name is longer than %d bytes", n.Content[i].Line, path, maxNameBytes)
			}
			if path != "" {
				name = path + "." + name
			}
			if err := l.add(name, n.Content[i+1], depth+1); err != nil {
				return err
			}
			place := l[name]
			place.line = n.Content[i].Line // the line of the name, not of the value below it
			l[name] = place
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if err := l.add(fmt.Sprintf("%s[%d]", path, i), item, depth+1); err != nil {
				return err
			}
		}
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
	}
	return nil
}

var (
	// decimal is the usual form of numbers. YAML also has 010 for eight, 0x1f, 1_000 and more.
	decimal = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?$`)
	// noNumber is not a number; fields that need one refuse it by their limits.
	noNumber = regexp.MustCompile(`(?i)^[-+]?\.(nan|inf)$`)
)

// misread explains why YAML may read a node differently than its author meant; empty for none.
func misread(n *yaml.Node) string {
	tag := n.ShortTag()
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return "is or has an alias; write the value itself"
	case n.Style&yaml.TaggedStyle != 0:
		return "has a tag; write the value alone"
	case n.Kind != yaml.ScalarNode:
	case tag == "!!null":
		return "is missing its value"
	case (tag == "!!int" || tag == "!!float") && !decimal.MatchString(n.Value) && !noNumber.MatchString(n.Value):
		return "is not a plain number such as 10 or 0.5; put text into quotes"
	}
	return ""
}

var (
	unknownField = regexp.MustCompile(`^line (\d+): field (.+) not found in type `)
	twiceField   = regexp.MustCompile(`^line (\d+): mapping key "(.+)" already defined at line (\d+)`)
	wrongType    = regexp.MustCompile(`^line (\d+): cannot unmarshal .* into (\S+)$`)
)

// explainYAML turns the parser's errors, which mention Go's types and quote
// values, into errors that name the field.
func explainYAML(err error, lines yamlLines) error {
	all, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var problems []error
	for _, one := range all.Errors[:min(len(all.Errors), maxExplained)] {
		problems = append(problems, explainYAMLError(one, lines))
	}
	if more := len(all.Errors) - len(problems); more > 0 {
		problems = append(problems, fmt.Errorf("and %d more", more))
	}
	return errors.Join(problems...)
}

func explainYAMLError(text string, lines yamlLines) error {
	if m := unknownField.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("line %s: %s: is not a field here", m[1], lines.named(m[1], m[2]))
	}
	if m := twiceField.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("line %s: %s: is already set on line %s", m[1], m[2], m[3])
	}
	if m := wrongType.FindStringSubmatch(text); m != nil {
		number, _ := strconv.Atoi(m[1]) // it is digits
		path, one := lines.onLine(number)
		switch {
		case path == "":
			return fmt.Errorf("line %s: a value must be %s", m[1], kindOf(m[2]))
		case !one:
			return fmt.Errorf("line %s: %s: a value in it must be %s", m[1], path, kindOf(m[2]))
		}
		return fmt.Errorf("line %s: %s: must be %s", m[1], path, kindOf(m[2]))
	}
	return errors.New(text)
}

// named is the path of a named field on a line.
func (l yamlLines) named(line, name string) string {
	number, _ := strconv.Atoi(line) // it is digits
	for path, at := range l {
		if at.line == number && (path == name || strings.HasSuffix(path, "."+name)) {
			return path
		}
	}
	return name
}

// kindOf describes the values of a Go type in words.
func kindOf(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "float"):
		return "a number"
	case strings.HasPrefix(goType, "int"):
		return "a whole number"
	case goType == "bool":
		return "true or false"
	case slices.Contains([]string{"string", "rollout.Rule", "rollout.Gate", "rollout.Role", "brand.Color", "trial.QuietDay", "trial.Anchor", "trial.Condition"}, goType):
		return "text"
	}
	return "fields with values"
}
