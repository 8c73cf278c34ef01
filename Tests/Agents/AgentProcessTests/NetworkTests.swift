import Agent
import AgentProcess
import Glibc
import Linux
import Model
import OpenStarryAgent
import ProcessTestKit
import Proxy
import TestKit
import Testing

/// Agents in their sandboxes that reach the hosts of their manifests, and nothing else, through a real proxy.
@Suite(.enabled(if: WebRoom.absence == nil, "\(WebRoom.absence ?? "")")) struct NetworkTests {
  @Test func aListedAddressIsReached() throws {
    let web = try WebRoom()
    let agent = try web.agent(["127.0.0.1:\(web.port)"])
    #expect(try agent.fetch("http://127.0.0.1:\(web.port)/x?y=1") == "200 GET /x?y=1")
    #expect(agent.lines.contains("network: connected to 127.0.0.1:\(web.port)"))
    // Python sends the body after its length.
    #expect(try agent.fetch("http://127.0.0.1:\(web.port)/", body: 300_000) == "200 POST 300000")
  }

  @Test func tunnelsAndSocksReachItToo() throws {
    let web = try WebRoom()
    let agent = try web.agent(["127.0.0.1:\(web.port)"])
    #expect(try agent.ask("connect 127.0.0.1 \(web.port)") == "200 GET /tunnel")
    #expect(try agent.ask("socks 127.0.0.1 \(web.port)") == "200 GET /socks")
    #expect(try agent.ask("socks 127.0.0.1 1") == "reply 2")
  }

  @Test func anotherPortIsRefused() throws {
    let web = try WebRoom()
    let agent = try web.agent(["127.0.0.1:\(web.port)", "a.example"])
    let other = web.port == 65_535 ? 1 : web.port + 1
    #expect(
      try agent.fetch("http://127.0.0.1:\(other)/")
        == "403 127.0.0.1:\(other) is not in network_allow_hosts of this agent's manifest")
    #expect(agent.lines.contains("network: refused 127.0.0.1:\(other), which is not in network_allow_hosts"))
    #expect(try agent.fetch("http://b.example/").hasPrefix("403 b.example:80 is not in"))
  }

  @Test func aNameThatLeadsToLoopbackIsRefused() throws {
    let web = try WebRoom()
    let agent = try web.agent(["localhost:\(web.port)"])
    let answer = try agent.fetch("http://localhost:\(web.port)/")
    #expect(answer.hasPrefix("403 localhost leads to "), "\(answer)")
    #expect(agent.lines.contains { $0.hasPrefix("network: refused localhost:\(web.port), which leads to ") })
  }

  @Test func aNameWhoseAddressIsListedTooIsReached() throws {
    let web = try WebRoom()
    let agent = try web.agent(["localhost:\(web.port)", "127.0.0.1:\(web.port)"])
    #expect(try agent.fetch("http://localhost:\(web.port)/") == "200 GET /")
  }

  @Test func whereNobodyListensIsTold() throws {
    let web = try WebRoom()
    let agent = try web.agent(["127.0.0.1:\(web.port)"])
    web.stop()
    #expect(try agent.fetch("http://127.0.0.1:\(web.port)/") == "502 127.0.0.1:\(web.port) cannot be reached")
    #expect(agent.lines.contains("network: 127.0.0.1:\(web.port) cannot be reached: Connection refused"))
  }

  @Test func withoutHostsThereIsNoNetwork() throws {
    let web = try WebRoom()
    let agent = try web.agent([])
    #expect(try agent.ask("variables") == "")
    #expect(try agent.ask("connect 127.0.0.1 \(web.port)") == "Address family not supported by protocol")
    #expect(web.room.proxy.process == nil, "nobody needs a proxy")
  }

  @Test func aProxyThatIsKilledIsReplaced() throws {
    let web = try WebRoom()
    let agent = try web.agent(["127.0.0.1:\(web.port)"])
    #expect(try agent.fetch("http://127.0.0.1:\(web.port)/") == "200 GET /")
    for _ in 0..<2 {
      let process = try #require(web.room.proxy.process)
      kill(process, SIGKILL)
      web.room.run { web.room.proxy.process.map { $0 != process } ?? false }
      #expect(try agent.fetch("http://127.0.0.1:\(web.port)/") == "200 GET /", "the agent lives, and has the network")
    }
    #expect(agent.lines.contains { $0.hasPrefix("network: the proxy is gone") })
  }

  @Test func itsConnectionsEndWithTheAgent() throws {
    let web = try WebRoom()
    let agent = try web.agent(["127.0.0.1:\(web.port)"])
    #expect(try agent.ask("hold 127.0.0.1 \(web.port) 40") == "held")
    // 32 at once, and the log tells that others wait.
    web.room.run { agent.lines.contains("network: it has as many connections as it may have; further ones wait") }
    #expect(agent.lines.contains("network: it has as many connections as it may have; further ones wait"))
    let process = try #require(web.room.proxy.process)
    agent.stop()
    web.room.run { Self.sockets(of: process) < 8 }
    #expect(Self.sockets(of: process) < 8)
  }

  @Test func theLogIsNotFlooded() throws {
    let web = try WebRoom()
    let agent = try web.agent(["a.example"])
    let begin = web.room.loop.now
    for _ in 0..<30 { #expect(try agent.fetch("http://b.example/").hasPrefix("403 ")) }
    // Ten in each ten seconds that have begun, however slow this machine is.
    let windows = Int((web.room.loop.now - begin).components.seconds) / 10 + 1
    #expect(agent.lines.count(where: { $0.hasPrefix("network: refused") }) <= 10 * windows)
  }

  private static func sockets(of process: Int32) -> Int {
    let folder = "/proc/\(process)/fd"
    return ((try? Files.names(in: folder)) ?? []).count {
      Files.target(ofLink: "\(folder)/\($0)")?.hasPrefix("socket:") ?? false
    }
  }
}
