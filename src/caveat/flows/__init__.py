"""The whole product, one function per command. Evidence becomes lineage; law meets lineage in a verdict.

    ask      sentence -> imagined lineage -> decide -> Verdict
    check    files    -> gathered lineage -> decide for every maker, the offer and every use -> Report
    trace    files or a name -> lineage, with roles -> Graph
    explain  law file -> the licence, a clause, a word or a tag in our words
    compare  two law files -> what each lets you do, differences first
    init     files    -> a starter caveat.toml
"""
