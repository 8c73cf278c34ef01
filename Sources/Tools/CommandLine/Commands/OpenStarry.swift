import ArgumentParser
import Model

/// The command `openstarry`, which watches and commands the daemon.
package struct OpenStarry: ParsableCommand {
  /// The name, the help and the groups of subcommands.
  package static let configuration = CommandConfiguration(
    commandName: "openstarry",
    abstract: "Watches and commands the daemon that runs agents on this board.",
    discussion: """
      Exit codes: 0 done, 1 failed, 2 wrong command line, 3 no daemon, 4 not allowed, 5 not found, 6 busy or limited, \
      7 wrong state, 8 done, but not stored: a restart of the daemon undoes it.
      """,
    version: "openstarry \(Release.version)",
    groupedSubcommands: [
      CommandGroup(
        name: "Watch", subcommands: [Status.self, DoctorCommand.self, Events.self, Why.self, State.self, History.self]),
      CommandGroup(
        name: "Hardware",
        subcommands: [
          Devices.self, Read.self,
          EmergencyStop.self, SetActuator.self, GiveUp.self, Approvals.self, Approve.self,
          Deny.self, Acknowledge.self, Snapshot.self, Simulate.self,
        ]),
      CommandGroup(
        name: "Agents",
        subcommands: [
          ProcessList.self, BudgetList.self, Tokens.self, Models.self, Chat.self, TranscriptOf.self, Logs.self,
          Spawn.self, Kill.self,
          Restart.self, Wake.self, Register.self,
          Deploy.self, Unregister.self, AgentCommands.self, PluginCommands.self,
        ]),
      CommandGroup(
        name: "Events and rules",
        subcommands: [Emit.self, RuleCommands.self, Shadow.self, Messages.self, Expression.self]),
      CommandGroup(
        name: "Files",
        subcommands: [InitCommand.self, Check.self, BoardFiles.self, SettingsFiles.self, SchemaCommand.self]),
      CommandGroup(
        name: "The daemon", subcommands: [DaemonCommands.self, MCPCommand.self, Console.self, Version.self]),
    ])

  /// Required by the parser, which sets the arguments afterwards.
  package init() {}
}
