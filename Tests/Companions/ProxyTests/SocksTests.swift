import Proxy
import Testing

/// The client's messages of SOCKS 5.
@Suite struct SocksTests {
  private typealias Greeting = Socks.Reading<[UInt8]>
  private typealias Request = Socks.Reading<Destination>

  @Test func aClientWithoutAuthenticationIsWelcome() {
    #expect(Socks.greeting([5, 1, 0]) == Greeting.read([5, 0], length: 3))
    #expect(Socks.greeting([5, 2, 2, 0, 9]) == Greeting.read([5, 0], length: 4))
    #expect(Socks.greeting([5, 1, 2]) == Greeting.refused([5, 0xFF]))
    #expect(Socks.greeting([5, 0]) == Greeting.refused([5, 0xFF]))
    for bytes: [UInt8] in [[], [5], [5, 1], [5, 2, 0]] { #expect(Socks.greeting(bytes) == Greeting.incomplete) }
    #expect(Socks.greeting([4, 1, 0]) == Greeting.refused([]))
  }

  @Test func requests() throws {
    let name = Array("API.example.org".utf8)
    let expected = try #require(Destination(Array("api.example.org:443".utf8)))
    #expect(
      Socks.request([5, 1, 0, 3, UInt8(name.count)] + name + [1, 187, 9]) == Request.read(expected, length: 22))
    let four = try #require(Destination(Array("127.0.0.1:80".utf8)))
    #expect(Socks.request([5, 1, 0, 1, 127, 0, 0, 1, 0, 80]) == Request.read(four, length: 10))
    let six = try #require(Destination(Array("[::1]:80".utf8)))
    #expect(
      Socks.request([5, 1, 0, 4] + [UInt8](repeating: 0, count: 15) + [1, 0, 80]) == Request.read(six, length: 22))
    // An address as a name is that address.
    #expect(Socks.request([5, 1, 0, 3, 9] + Array("127.0.0.1".utf8) + [0, 80]) == Request.read(four, length: 16))
  }

  @Test func cutAnywhereItIsIncomplete() {
    let request: [UInt8] = [5, 1, 0, 3, 1, 0x61, 0, 80]
    for length in 0..<request.count { #expect(Socks.request(Array(request[..<length])) == Request.incomplete) }
  }

  @Test func refusals() {
    #expect(Socks.request([5, 2, 0, 1, 127, 0, 0, 1, 0, 80]) == Request.refused(Socks.Reply.unknownCommand.bytes))
    #expect(Socks.request([5, 3, 0, 1, 127, 0, 0, 1, 0, 80]) == Request.refused(Socks.Reply.unknownCommand.bytes))
    #expect(Socks.request([5, 1, 0, 2, 127, 0, 0, 1, 0, 80]) == Request.refused(Socks.Reply.unknownAddress.bytes))
    #expect(Socks.request([5, 1, 0, 1, 127, 0, 0, 1, 0, 0]) == Request.refused(Socks.Reply.failure.bytes))
    #expect(Socks.request([5, 1, 0, 3, 0, 0, 80]) == Request.refused(Socks.Reply.failure.bytes))
    #expect(Socks.request([5, 1, 0, 3, 2, 0x61, 0, 0, 80]) == Request.refused(Socks.Reply.failure.bytes))
    #expect(Socks.request([5, 1, 1, 1, 127, 0, 0, 1, 0, 80]) == Request.refused([]))
  }
}
