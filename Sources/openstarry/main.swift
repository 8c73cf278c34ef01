import CommandLine
import Glibc

exit(OpenStarry.run(Array(Swift.CommandLine.arguments.dropFirst())).rawValue)
