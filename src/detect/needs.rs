//! What a field is for: what is not found, or judged less surely, where no event has it.

/// Fields that the analysis goes by, the ones whose lack costs most first, each with what that is.
pub const NEEDS: [(&str, &str); 16] = [
    (
        "ip",
        "NET abstains: shared addresses and networks, and visitors who meet at rotating exits, are not seen",
    ),
    (
        "template",
        "CONTENT abstains where there is no prompt either: texts that many accounts send are not seen; send prompt, or template",
    ),
    (
        "prompt",
        "purpose is judged by topic alone, and without that nobody is accused of extraction; repeated prompts and handed-on conversations need prompt_hash and prefix_hash instead",
    ),
    (
        "fingerprint",
        "CLIENT has only user_agent to go by: the machine behind several accounts is not known again",
    ),
    (
        "payment",
        "MONEY abstains: shared cards are not seen, nor is an openly shared one taken for the explanation that it is",
    ),
    (
        "account_created_at",
        "LIFE abstains: accounts made together are not seen, and who is established is known only 30 days after the first event",
    ),
    ("user_agent", "CLIENT does not see programs that only these accounts use"),
    ("api_key", "keys that several accounts use are not seen"),
    ("email_domain", "mail domains that accounts share are not seen"),
    ("status", "a request that was refused (403, 429) and sent again by another account is not seen"),
    ("model", "accounts that move to a new model at once are not seen"),
    ("prompt_hash", "the same question from several accounts, and work shared out among them, is not seen"),
    ("prefix_hash", "conversations that one account begins and another goes on with are not seen"),
    ("output_tokens", "the extraction score does not see unusually long answers"),
    ("asn", "networks are told apart by their addresses alone, so that rented ones are known less surely"),
    (
        "request_id",
        "an event that is sent twice is known only by its whole record, and the halves of one request in two logs are not told to belong together by it",
    ),
];
