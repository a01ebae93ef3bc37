from humanav.cli import main

main()
