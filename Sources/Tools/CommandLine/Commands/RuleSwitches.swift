import ArgumentParser
import Document
import Model

extension RuleCommands {
  struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows every part of a rule's conditions with its value, and what would have to change.")
    @OptionGroup var shared: SharedOptions

    @Argument(help: "The rule.")
    var rule: String

    func run() throws {
      try shared.ask("rules.explain", ["rule": .string(rule)]) { result, terminal in
        RuleText.explanation(result, colour: terminal.colour)
      }
    }
  }

  struct Enable: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lets a disabled rule act again.")
    @OptionGroup var shared: SharedOptions

    @Argument(help: "The rule.")
    var rule: String

    func run() throws {
      try shared.ask("rules.enable", ["rule": .string(rule)]) { _, _ in ["rule \(rule.printable) is enabled"] }
    }
  }

  struct Disable: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Keeps a rule from acting, until 'rules enable', also after a restart.",
      discussion: "What a state rule keeps goes safe, and its 'end' is carried out.")
    @OptionGroup var shared: SharedOptions

    @Argument(help: "The rule.")
    var rule: String

    func run() throws {
      try shared.ask("rules.enable", ["rule": .string(rule), "enabled": false]) { _, _ in
        ["rule \(rule.printable) is disabled"]
      }
    }
  }

  struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract:
        "Lets a state rule begin again that an emergency stop has ended, or whose output a person has made safe.",
      discussion: """
        After an emergency stop a state rule with 'keep' waits until its condition was false once. After 'openstarry \
        set X off' the rules that keep X wait until their conditions have ended, an hour at most.
        """)
    @OptionGroup var shared: SharedOptions

    @Argument(help: "The rule.")
    var rule: String

    func run() throws {
      try shared.ask("rules.resume", ["rule": .string(rule)]) { result, _ in
        [
          result["resumed"]?.bool == true
            ? "rule \(rule.printable) may begin again" : "rule \(rule.printable) did not wait to be resumed"
        ]
      }
    }
  }

  struct SetVariable: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "set", abstract: "Sets a variable of the rules (vars.NAME). It survives restarts.")
    @OptionGroup var shared: SharedOptions

    @Argument(help: "The variable.")
    var name: String

    @Argument(help: "true, false, a number, or a text; lists and maps as JSON.", transform: MinusSign.restore)
    var value: String

    func run() throws {
      let value = (try? JSON.decode(Array(self.value.utf8)[...])) ?? .string(self.value)
      try shared.ask("rules.set", ["name": .string(name), "value": value]) { result, _ in
        ["vars.\(name.printable) = \((result["value"]?.text() ?? "-").printable)"]
      }
    }
  }

  struct Variables: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "vars", abstract: "Lists the variables of the rules with their values.")
    @OptionGroup var shared: SharedOptions

    func run() throws {
      try shared.ask("rules.variables") { result, _ in
        var table = Table(["VARIABLE", "VALUE"])
        for (name, value) in result["variables"]?.map ?? [:] { table.add([name, value.text()]) }
        return table.lines
      }
    }
  }
}
