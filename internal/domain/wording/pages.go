package wording

// KindPages is the name of the file with what the pages say that e-mails link to.
const KindPages = "pages"

// FieldLetters is how many characters a vendor may write.
const FieldLetters = "letters"

// Names of the texts of pages that say how a trial stands.
const (
	PageActive    = "active"    // it runs
	PageOverdue   = "overdue"   // its planned end has passed, and selling goes on
	PageGrace     = "grace"     // it has ended, and selling goes on for a while
	PageExpired   = "expired"   // selling is paused
	PageConverted = "converted" // the vendor has a plan
	PageCancelled = "cancelled" // it was ended before its time
	PageUnknown   = "unknown"   // nothing is known of it yet
)

// The fields of pages.
var (
	pageFields  = map[string]use{FieldBrand: perhaps}
	trialFields = map[string]use{FieldBrand: perhaps, FieldEndDate: always, FieldGraceEndDate: perhaps}
)

// pageTexts are the texts of pages, each with the fields that it may use. All of them are paragraphs or shorter.
var pageTexts = map[string]map[string]use{
	"link": nil, // what e-mails call the link to the guide

	// The guide.
	"title": nil, "about": pageFields,
	PageActive: trialFields, PageOverdue: trialFields, PageGrace: trialFields, PageExpired: trialFields, PageConverted: pageFields, PageCancelled: trialFields,
	PageUnknown: pageFields,
	"next":      nil, "reminder": nil, "mail": nil, "mayChange": nil,
	"plans": nil, "plansText": pageFields, "plansButton": nil,
	"mails": nil, "mailsOn": pageFields, "mailsOff": pageFields, "mailsFail": pageFields, "stop": nil, "again": nil, "asked": nil, "nowOff": nil, "nowOn": nil,

	// The page to unsubscribe.
	"stopText": nil, "stopped": nil, "stoppedText": nil,

	// The question whether an e-mail helped.
	"yes": nil, "no": nil, "better": nil, "send": nil, "readBy": nil, "thanks": nil, "kept": nil, "refused": {FieldLetters: always},

	// Where a page cannot be shown.
	"badLink": nil, "badLinkText": nil, "later": nil, "laterText": nil,
}

// Pages is what the pages say, by the names of their texts.
type Pages map[string]Text

// compile fills the texts with what a file says, and adds what is wrong with it.
func (p Pages) compile(l Language, raw map[string]any, problems *problems) {
	fields, texts := map[string]field{}, map[string]*Text{}
	for name, may := range pageTexts {
		texts[name] = new(Text)
		fields[name] = field{text: texts[name], rule: rule{language: l, fields: may, letters: maxParagraph}}
	}
	compile(fields, raw, problems)
	for name, text := range texts {
		p[name] = *text
	}
}

// PageWords are what pages say: all of it in one language.
type PageWords struct {
	Pages
	Voice
}

// Say returns all texts with values in the place of their fields, by their names.
func (w PageWords) Say(v Values) map[string]string {
	all := make(map[string]string, len(w.Pages))
	for name, text := range w.Pages {
		all[name] = text.Say(w.Dates, v)
	}
	return all
}

// Link is what e-mails call the link to the guide.
func (w PageWords) Link() string { return w.Pages["link"].Say(w.Dates, Values{}) }

// Pages returns what pages say to a vendor: in the language that [Set.For] would take, if its words are there.
func (s *Set) Pages(locale string) PageWords {
	asked := s.asked(locale)
	for _, tag := range s.order(asked) {
		if l, ok := s.byTag[tag]; ok && l.pages != nil {
			return PageWords{l.pages, l.voice(asked)}
		}
	}
	return PageWords{}
}
