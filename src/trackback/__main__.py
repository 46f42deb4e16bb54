from trackback.cli import main

main()
