// Package rest is the API over HTTP: it checks who asks and what, calls the ports that the store, Temporal and the mail service
// implement, and turns every refusal into a problem document (RFC 9457).
//
// openapi.yaml describes it. Types, routes and the StrictServerInterface are generated from there, and so is the checking of
// requests.
package rest

//go:generate go tool -modfile=../../tools/lint/go.mod oapi-codegen -config oapi-codegen.yaml -o api.gen.go openapi.yaml
