package config

import (
	"reflect"
	"slices"
	"strings"
)

// Variable describes one environment variable, for the documentation and for checking files against it.
type Variable struct {
	Name    string
	Default string // as it would be written in the environment; empty if there is none

	// Secret says that the value must not be shown, and that a file named by the
	// variable FileName can contain it instead.
	Secret bool

	// NeededBy lists the processes that do not start without the variable.
	NeededBy []Process

	field int // its place in Config
}

// FileName is the variable that names a file with this secret; empty unless it is a secret.
func (v Variable) FileName() string {
	if !v.Secret {
		return ""
	}
	return v.Name + "_FILE"
}

// Variables lists every variable, in the order of Config's fields.
func Variables() []Variable {
	structure := reflect.TypeFor[Config]()
	variables := make([]Variable, 0, structure.NumField())
	for i := range structure.NumField() {
		field := structure.Field(i)
		v := Variable{
			Name:    field.Tag.Get("env"),
			Default: field.Tag.Get("envDefault"),
			Secret:  field.Tag.Get("secret") == "true",
			field:   i,
		}
		if needed, ok := field.Tag.Lookup("needed"); ok {
			for process := range strings.SplitSeq(needed, ",") {
				v.NeededBy = append(v.NeededBy, Process(process))
			}
		}
		variables = append(variables, v)
	}
	return variables
}

// variableOf finds the variable behind a field of Config.
func variableOf(fieldName string) (Variable, bool) {
	field, ok := reflect.TypeFor[Config]().FieldByName(fieldName)
	if !ok {
		return Variable{}, false
	}
	return Variables()[field.Index[0]], true
}

// list reports whether the value is a comma-separated list.
func (v Variable) list() bool {
	return reflect.TypeFor[Config]().Field(v.field).Type.Kind() == reflect.Slice
}

func (v Variable) neededBy(process Process) bool { return slices.Contains(v.NeededBy, process) }

func (v Variable) isSetIn(c Config) bool { return !reflect.ValueOf(c).Field(v.field).IsZero() }
