// Package dashboard answers the pages under /admin/: how the trials and their
// rollout are, and the rollout's controls. The pages are made here whole; in the
// browser htmx (assets/htmx, as its makers publish it) fetches them again and
// puts in what has changed. They work without it.
package dashboard
