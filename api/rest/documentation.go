package rest

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed documentation.html
var documentationSource string

var documentationPage = template.Must(template.New("documentation").Parse(documentationSource))

func render(page *template.Template, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := page.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("making the page %s: %w", page.Name(), err)
	}
	return out.Bytes(), nil
}

// GetDocumentation answers with the description as a page. It is made from the description once, and asks for nothing from
// elsewhere.
func (s *server) GetDocumentation(context.Context, GetDocumentationRequestObject) (GetDocumentationResponseObject, error) {
	return GetDocumentation200TexthtmlResponse{Body: bytes.NewReader(s.documentation), ContentLength: int64(len(s.documentation))}, nil
}

// documentView is what the page shows of the description.
type documentView struct {
	Title, Description string
	Groups             []groupView
	Schemas            []schemaView
}

type groupView struct {
	Name, Description string
	Operations        []operationView
}

type operationView struct {
	ID, Method, Path     string
	Summary, Description string
	Tokens               string
	Parameters           []fieldView
	Body                 string
	Answers              []answerView
}

type answerView struct{ Status, Description, Schema string }

type schemaView struct {
	Name, Description string
	Choices           string
	Fields            []fieldView
}

type fieldView struct {
	Name, Type, Description string
	Required                bool
}

// documentation is the page made from the description, which never changes.
var documentation = sync.OnceValues(func() ([]byte, error) {
	spec, err := specification()
	if err != nil {
		return nil, err
	}
	view := documentView{Title: spec.Info.Title, Description: spec.Info.Description}
	for _, tag := range spec.Tags {
		group := groupView{Name: tag.Name, Description: tag.Description}
		for _, path := range spec.Paths.InMatchingOrder() {
			group.Operations = append(group.Operations, operationsOf(tag.Name, path, spec.Paths.Value(path))...)
		}
		slices.SortStableFunc(group.Operations, func(a, b operationView) int { return strings.Compare(a.Path, b.Path) })
		view.Groups = append(view.Groups, group)
	}
	for name, schema := range spec.Components.Schemas {
		view.Schemas = append(view.Schemas, schemaOf(name, schema.Value))
	}
	slices.SortFunc(view.Schemas, func(a, b schemaView) int { return strings.Compare(a.Name, b.Name) })
	return render(documentationPage, view)
})

func operationsOf(tag, path string, item *openapi3.PathItem) []operationView {
	var views []operationView
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		o := item.GetOperation(method)
		if o == nil || !slices.Contains(o.Tags, tag) {
			continue
		}
		view := operationView{
			ID: o.OperationID, Method: method, Path: path, Summary: o.Summary, Description: o.Description, Tokens: tokensOf(o),
		}
		for _, p := range append(slices.Clone(item.Parameters), o.Parameters...) {
			view.Parameters = append(view.Parameters, fieldView{
				Name: p.Value.Name, Type: p.Value.In + ", " + typeOf(p.Value.Schema), Description: p.Value.Description, Required: p.Value.Required,
			})
		}
		if o.RequestBody != nil {
			view.Body = contentOf(o.RequestBody.Value.Content)
		}
		for status, response := range o.Responses.Map() {
			view.Answers = append(view.Answers, answerView{Status: status, Description: *response.Value.Description, Schema: contentOf(response.Value.Content)})
		}
		slices.SortFunc(view.Answers, func(a, b answerView) int { return strings.Compare(a.Status, b.Status) })
		views = append(views, view)
	}
	return views
}

func tokensOf(o *openapi3.Operation) string {
	var names []string
	for _, requirement := range *o.Security {
		for name := range requirement {
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}

// contentOf names the schema of a body, if it has a name.
func contentOf(content openapi3.Content) string {
	for _, media := range content {
		if media.Schema != nil && media.Schema.Ref != "" {
			return typeOf(media.Schema)
		}
	}
	return ""
}

// typeOf names a schema: the one it refers to, or its type.
func typeOf(ref *openapi3.SchemaRef) string {
	schema := ref.Value
	switch {
	case ref.Ref != "":
		return ref.Ref[strings.LastIndex(ref.Ref, "/")+1:]
	case len(schema.AllOf) == 1:
		return typeOf(schema.AllOf[0]) + " or null"
	case schema.Type.Is(openapi3.TypeArray):
		return "list of " + typeOf(schema.Items)
	}
	name := strings.Join(schema.Type.Slice(), " or ")
	if schema.Format != "" {
		name += " (" + schema.Format + ")"
	}
	if schema.Nullable {
		name += " or null"
	}
	return name
}

func schemaOf(name string, schema *openapi3.Schema) schemaView {
	view := schemaView{Name: name, Description: schema.Description, Choices: choices(schema.Enum)}
	view.Fields = fieldsOf("", schema)
	return view
}

// fieldsOf lists a schema's fields, and those of objects that have no name of their own below them.
func fieldsOf(prefix string, schema *openapi3.Schema) []fieldView {
	var fields []fieldView
	for name, property := range schema.Properties {
		fields = append(fields, fieldView{
			Name: prefix + name, Type: typeOf(property), Description: property.Value.Description,
			Required: slices.Contains(schema.Required, name),
		})
		if property.Ref == "" {
			fields = append(fields, fieldsOf(prefix+name+".", property.Value)...)
		}
	}
	slices.SortFunc(fields, func(a, b fieldView) int { return strings.Compare(a.Name, b.Name) })
	return fields
}
