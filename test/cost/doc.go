// Package cost counts what a page or a list costs the API: commands to the database, bytes, and its own processor time. With it,
// systems of different sizes are compared, so that nothing grows with the number of trials.
package cost
