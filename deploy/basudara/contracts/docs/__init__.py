"""`basudara contracts docs`: the catalogue as a static site for subscribers, in English and Indonesian."""
