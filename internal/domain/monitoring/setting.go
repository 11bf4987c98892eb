package monitoring

// Source says where the value of a setting comes from.
type Source string

// The sources.
const (
	FromEnvironment Source = "environment"
	FromFile        Source = "file"
	FromDefault     Source = "default"
	NotSet          Source = "not set"
)

// Setting is a variable as a process has read it at its start.
type Setting struct {
	Name string
	// Value is the effective one, as it would be written in the environment; of a secret always empty.
	Value  string
	Secret bool
	Source Source
	// File is the path of the file that a secret was read from; empty for others.
	File string
}
