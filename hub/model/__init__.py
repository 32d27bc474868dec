"""The nouns: frozen values, enums, ids and `Sealed`. No I/O, and nothing imported from the other rooms."""
