import Agent
import Glibc
import Model
import Wire

extension MethodRegistry {
  /// The version of `docs/control.md`.
  static let protocolVersion: Int64 = 1

  static let daemonMethods: [Method] = [
    Method(
      "state.get", .view, "Devices, leases, agents, budgets, rules and the agents' snapshots as one tree.",
      result: "the tree, an object"
    ) { call throws(RPCError) in
      call.services.zone.stateTree { call.answer(.success($0)) }
      return nil
    },
    Method(
      "daemon.health", .view, "Whether the daemon works.",
      result: "`{\"status\": \"ok\", \"version\": text, \"protocol\": 1, \"uptime\": seconds, \"uptime_ms\": N}`"
    ) { call throws(RPCError) in
      let uptime = call.services.time.now - call.services.status.started
      return [
        "status": "ok", "version": .string(call.services.zone.version), "protocol": .int(protocolVersion),
        "uptime": .double(uptime.seconds), "uptime_ms": uptime.milliseconds,
      ]
    },
    Method(
      "daemon.status", .view, "The daemon at a glance.",
      result:
        "an object: `version`, `pid`, `uptime_ms`, `socket`, `connections`, `requests`, `missed`, `client`, `role` (of "
        + "this client), `events`, `agents`, `rules`, `devices` and what the daemon adds (`board`, `home`, memory and "
        + "threads, `metered`: what the daemon uses as a whole, `control_group`, `budgets_not_enforced`, `watchdog`, "
        + "`pressure`, `last_end`, in safe mode its reason as `safe_mode`, and `not_safe`: for each actuator that refuses "
        + "to be safe, why and who tries again)", status),
    Method(
      "daemon.stop", .admin, "Stops the daemon: agents end, every output goes to its safe state.",
      result: "`{\"stopping\": true}`", isCommand: true
    ) { call throws(RPCError) in
      call.answer(.success(["stopping": true]))
      call.services.zone.stop()
      return nil
    },
    Method(
      "daemon.reload", .admin,
      "Reads rules and manifests again; settings and the board take a restart. On any error everything stays as it was.",
      result: "`{\"agents_changed\": how many manifests are new or different, \"rules\": how many there are now}`",
      errors: [.invalidFile], isCommand: true
    ) { call throws(RPCError) in
      do throws(Diagnostics) {
        return .map(try call.services.zone.reload())
      } catch {
        throw RPCError(error, "everything stays as it was")
      }
    },
    Method(
      "daemon.leaveSafeMode", .admin, "Starts what safe mode has left out: rules and agents.",
      result: "`{\"left\": whether the daemon was in safe mode}`", isCommand: true
    ) { call throws(RPCError) in
      ["left": .bool(call.services.zone.leaveSafeMode())]
    },
    Method(
      "daemon.budgets", .view, "What agents may use and do use, and the board as a whole.",
      [.agent("which agent; all of them, and the board, when left out")],
      result:
        "`{\"board\": [budget (4.13)], \"agents\": [{\"agent\", \"driver\", \"state\", \"parent\", \"budgets\": [budget "
        + "(4.13)]}]}`; `board` is empty with `agent`", errors: [.agentNotFound], budgets),
    Method(
      "daemon.history", .view, "The restart ledger: why agents, the daemon and the board ended or began, oldest first.",
      [
        .agent("which agent, registered or not; everything when left out"),
        .optional("limit", .integer(1...2000), 50, "how many lines, the newest, 1 to 2000"),
      ], result: "`{\"entries\": [line of the ledger (4.14)]}`", errors: [.storage]
    ) { call throws(RPCError) in
      let agent = call.arguments.text("agent").map { AgentID($0) }
      call.services.zone.history(agent, last: Int(call.arguments.integer("limit") ?? 50)) { result in
        call.answer(result.map { ["entries": .list($0.map(Value.map))] }.mapError(RPCError.init))
      }
      return nil
    },
    Method(
      "daemon.methods", .view, "The methods of this section, for programs.",
      result:
        "`{\"methods\": [{\"name\", \"role\", \"summary\", \"parameters\": [{\"name\", \"type\", \"required\", "
        + "\"default\", \"meaning\", \"aliases\"}], \"result\", \"errors\"}]}`"
    ) { call throws(RPCError) in
      ["methods": .list(call.services.methods.description)]
    },
  ]

  @Sendable private static func budgets(_ call: Call) throws(RPCError) -> Value? {
    let named = call.arguments.text("agent") != nil
    let agents = try call.agents { control throws(AgentControlError) in
      named ? [try control.agentStatus(call.agentID)] : control.listAgents()
    }
    return [
      "board": .list(named ? [] : call.services.zone.boardBudgets.map { .map($0.fields) }),
      "agents": .list(
        agents.map { agent in
          [
            "agent": .string(agent.id.rawValue), "driver": .string(agent.driver.rawValue),
            "state": .string(agent.state.rawValue), "parent": (agent.parent?.rawValue).orNull,
            "budgets": .list(agent.budgets.map { .map($0.fields) }),
          ]
        }),
    ]
  }

  @Sendable private static func status(_ call: Call) throws(RPCError) -> Value? {
    let (services, own) = (call.services, call.services.status)
    let agents = services.agents.listAgents()
    let running = agents.count { $0.state == .ready || $0.state == .active }
    var fields: Fields = [
      "version": .string(services.zone.version), "pid": .int(Int64(getpid())),
      "uptime_ms": (services.time.now - own.started).milliseconds, "socket": .string(own.socket),
      "connections": .int(Int64(own.connections)), "requests": .int(Int64(clamping: own.requests)),
      "missed": .int(Int64(clamping: own.missed)), "client": .string(call.client.user),
      "role": .string(call.client.role.name), "events": .int(Int64(clamping: services.events.total)),
      "agents": ["registered": .int(Int64(agents.count)), "running": .int(Int64(running))],
      "rules": .int(Int64(services.rules.listRules().count)),
      "devices": .int(Int64(services.hardware.board.devices.count)),
    ]
    for (name, value) in services.zone.status() { fields[name] = value }
    return .map(fields)
  }
}
