//! The operators of patterns: [`Operator`], its words and what may stand beside each.

macro_rules! operators {
    ($($(#[$doc:meta])* $variant:ident = $word:literal $(with $beside:literal)?),* $(,)?) => {
        /// The first key of an operator object.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operator { $($(#[$doc])* $variant),* }

        impl Operator {
            /// Every operator, in the order of the documentation.
            pub const ALL: &'static [Operator] = &[$(Operator::$variant),*];

            /// The key as written.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Operator::$variant => $word),* }
            }

            /// The second key that it needs.
            #[must_use]
            pub fn beside(self) -> Option<&'static str> {
                match self { $(Operator::$variant => None$(.or(Some($beside)))?),* }
            }
        }
    };
}

operators! {
    /// Anything that is there.
    Any = "$any",
    /// Anything, or nothing.
    Unchecked = "$unchecked",
    /// A type, or a list of them.
    Type = "$type",
    /// A regular expression.
    Regex = "$regex",
    /// The string in any letter case.
    IgnoreCase = "$ignore_case",
    /// Text or an element.
    Contains = "$contains",
    /// Length.
    Length = "$length",
    /// Least and greatest number.
    Range = "$range",
    /// A number and how far from it.
    Near = "$near" with "$tolerance",
    /// A number as written.
    Lexical = "$lexical",
    /// An array without equal elements.
    Distinct = "$distinct",
    /// May be absent.
    Optional = "$optional",
    /// Must be absent.
    Absent = "$absent",
    /// All elements.
    Each = "$each",
    /// Any order.
    Unordered = "$unordered",
    /// One element per value; expanded before a pattern is compiled.
    Per = "$per" with "$is",
    /// Arrays one after the other.
    Concat = "$concat",
    /// Alternatives.
    OneOf = "$one_of",
    /// Conjunction.
    All = "$all",
    /// Negation.
    Not = "$not",
    /// The value of another place.
    SameAs = "$same_as",
    /// Readings of a choice.
    Choice = "$choice" with "$readings",
    /// Extra members allowed.
    Open = "$open",
    /// Extra members forbidden.
    Closed = "$closed",
    /// A clause.
    Clause = "$clause" with "$is",
    /// Operators not read.
    Literal = "$literal",
    /// What `$per` was expanded to; not written by people.
    Sequence = "$sequence",
}

impl Operator {
    /// The operator written like that.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Operator> {
        Operator::ALL.iter().copied().find(|each| each.word() == word)
    }

    /// The operator whose word is nearest to a wrong one.
    #[must_use]
    pub fn nearest(word: &str) -> Option<Operator> {
        // Operators of other tools that people may have in mind.
        let known = match word {
            "$eq" | "$is" | "$equals" => Some(Operator::Literal),
            "$oneOf" | "$anyOf" | "$any_of" | "$in" => Some(Operator::OneOf),
            "$allOf" | "$and" => Some(Operator::All),
            "$pattern" | "$matches" | "$match" => Some(Operator::Regex),
            "$size" | "$count" | "$len" => Some(Operator::Length),
            "$sameAs" => Some(Operator::SameAs),
            "$ignoreCase" => Some(Operator::IgnoreCase),
            "$missing" => Some(Operator::Absent),
            "$tolerance" => Some(Operator::Near),
            "$readings" => Some(Operator::Choice),
            _ => None,
        };
        known.or_else(|| {
            Operator::ALL
                .iter()
                .copied()
                .filter(|each| *each != Operator::Sequence)
                .map(|each| (strsim::damerau_levenshtein(each.word(), word), each))
                .min_by_key(|(distance, _)| *distance)
                .filter(|(distance, each)| *distance <= 1 + each.word().len() / 4)
                .map(|(_, each)| each)
        })
    }
}
