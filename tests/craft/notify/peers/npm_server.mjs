// An SMSC by npm's smpp: `node npm_server.mjs [receipts]`. At the end of its input it tells what it got, as JSON.
import smpp from 'smpp'

const hasReceipts = process.argv.length > 2
const got = []
let count = 0
const server = smpp.createServer({}, (session) => {
  const bound = (pdu) => session.send(pdu.response({ system_id: 'npm' }))
  session.on('bind_transceiver', bound)
  session.on('bind_transmitter', bound)
  session.on('error', () => {})
  session.on('enquire_link', (pdu) => session.send(pdu.response()))
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close() })
  session.on('submit_sm', (pdu) => {
    count += 1
    const id = `n${count}`
    session.send(pdu.response({ message_id: id }))
    if (got.length < 100) {
      const text = pdu.short_message
      const octets = text.udh ? text.udh.map((one) => one.toString('hex')).join('|') : ''
      got.push([pdu.destination_addr, text.message ?? '', pdu.data_coding, pdu.esm_class, octets])
    }
    if (hasReceipts) {
      session.deliver_sm({
        source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4,
        short_message: `id:${id} sub:001 dlvrd:001 submit date:2611270102 done date:2611270103 stat:DELIVRD err:000 text:`,
      })
    }
  })
})
server.listen(0, '127.0.0.1', () => console.log('ready', server.address().port))
process.stdin.resume()
process.stdin.on('end', () => { console.log(JSON.stringify({ count, got })); process.exit(0) })
