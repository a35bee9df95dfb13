// Writes customers.json by LoopBack's own memory connector (loopback-datasource-juggler 6.0.6): node write_fixtures.js
const {DataSource} = require('loopback-datasource-juggler');

async function main() {
  const ds = new DataSource({name: 'db', connector: 'memory', file: 'customers.json'});
  const number = {type: Number, id: true, generated: true};
  const Team = ds.define('Team', {id: number, name: {type: String, required: true}});
  const Customer = ds.define('Customer', {
    id: number, name: String, born: Date, active: Boolean, balance: Number, address: Object, tags: ['string'],
    teamId: Number, note: String,
  });
  const Note = ds.define('Note', {slug: {type: String, id: true}, text: String});
  ds.define('Unused', {name: String});
  await new Promise((resolve) => setTimeout(resolve, 100));
  const red = await Team.create({name: 'red'});
  const blue = await Team.create({name: 'équipe "bleue" 日本 \u{1F600}'});
  await Customer.create({
    name: 'O\'Hara "Ann" \\ back', born: new Date(Date.UTC(1990, 1, 28, 12, 30, 15, 250)), active: true, balance: 12.5,
    address: {street: 'Main "St"', geo: {lat: 1.5, lng: -2}}, tags: ['a', 'b"c'], teamId: red.id, note: null,
  });
  await Customer.create({
    name: 'line\nbreak\ttab', born: null, active: false, balance: 0, address: null, tags: [], teamId: null,
  });
  await Customer.create({name: 'gone'});
  await Customer.destroyById(3);
  await Customer.create({
    name: 'Zoë', born: new Date(0), balance: -1e21, address: {list: [1, null, {x: true}]}, teamId: blue.id,
  });
  await Note.create({slug: 'first-note', text: 'hello'});
}

main();
