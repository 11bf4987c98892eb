package mailbox

import (
	"net/mail"
	"slices"
	"strings"
)

// simulatorDomain is where SES itself has addresses with a known
// behavior for any mail.
const simulatorDomain = "simulator.amazonses.com"

// outcome is the outcome of a mail to one recipient.
type outcome string

const (
	delivered  outcome = "delivered"
	bounced    outcome = "bounce"          // there is no such mailbox
	suppressed outcome = "suppressionlist" // SES did not even try
	complained outcome = "complaint"       // delivered, then reported as spam
	delayed    outcome = "delay"           // delivered at a later try
	rejected   outcome = "reject"          // a virus was found
	answered   outcome = "ooto"            // delivered, and an automatic reply came back
	forwarded  outcome = "forward"         // delivered, then refused by the address it was forwarded to
)

// labels are the outcomes that a label can request.
var labels = []outcome{bounced, suppressed, complained, delayed, rejected, answered, forwarded}

// outcomeOf returns the outcome of a mail to address. The simulator's addresses
// are recognized by their beginning (bounce@, bounce+7@); at any other domain a label
// decides (jo+bounce@example.com), so that each test can have its own
// vendors. Every other mail is delivered.
func outcomeOf(address string) outcome {
	local, domain := split(address)
	if domain == simulatorDomain {
		for _, o := range []outcome{bounced, suppressed, complained, answered} {
			if strings.HasPrefix(local, string(o)) {
				return o
			}
		}
		return delivered // success@
	}
	for _, label := range strings.Split(local, "+")[1:] {
		if o := outcome(label); slices.Contains(labels, o) {
			return o
		}
	}
	return delivered
}

// split returns the two sides of an address's @, in lower case, without a display
// name.
func split(address string) (local, domain string) {
	if parsed, err := mail.ParseAddress(address); err == nil {
		address = parsed.Address
	}
	address = strings.ToLower(address)
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address, ""
	}
	return address[:at], address[at+1:]
}

// byOutcome groups a mail's recipients by outcome.
func byOutcome(recipients []string) map[outcome][]string {
	sorted := make(map[outcome][]string)
	for _, address := range recipients {
		o := outcomeOf(address)
		sorted[o] = append(sorted[o], address)
	}
	return sorted
}
