// Package trial holds the rules of a vendor's trial: its policy, states,
// schedule, and the decision what to do when a step falls due.
//
// Everything here is pure: functions of a state, facts and a time, that
// return an event or a decision with its reason. The workflow carries a State,
// turns requests and due steps into Events, and applies them; the database
// stores the events and folds the same State from them.
package trial
