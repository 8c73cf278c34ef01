import Agent
import Model

extension Enforcement {
  /// How far a budget is held against an agent under a driver. `docs/budgets.md` has it as a table.
  public static func of(_ resource: Resource, under driver: Manifest.Driver) -> Enforcement {
    switch (resource, driver) {
    case (.tokens, _): .notMetered("no model can be asked here")
    case (.events, _), (.hardware, _), (.log, _), (.storage, _), (.disk, _): .enforced
    case (_, .wasm): .enforced
    case (.memory, .inProcess): .notEnforced("in-process agents share the daemon's memory")
    case (_, .inProcess): .afterwards("an activation of an in-process agent cannot be interrupted")
    case (.activation, .process), (.activation, .docker): .enforced
    case (_, .process), (_, .docker): .notMetered("the driver does not measure it")
    }
  }
}
