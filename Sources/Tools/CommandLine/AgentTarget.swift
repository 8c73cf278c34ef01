import ArgumentParser
import Model

/// The options of a command that concerns one agent.
struct AgentTarget: ParsableArguments {
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent.")
  var agent: String

  /// Calls a method with the agent and prints the result.
  /// - Parameters:
  ///   - params: further parameters.
  ///   - timeout: the time-out of the answer; nil for none, as an agent may take five minutes to end.
  func ask(
    _ method: String, _ params: Fields = [:], timeout: Duration? = .seconds(60), _ lines: (Value) -> [String]
  ) throws {
    var params = params
    params["agent"] = .string(agent)
    try shared.ask(method, params, timeout: timeout) { result, _ in lines(result) }
  }
}
